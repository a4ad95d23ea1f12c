/** The module `live.js`: defines `<live-page>`, and exports its parts for those who build their own. */
import { LivePage } from './element.js';

export { LivePage };
export { Connection } from './connection.js';
export { decide, parseFrame } from './cursor.js';
export { fullJitter, retryAfter, retryIn } from './backoff.js';
export { afterClose } from './close-codes.js';
export { plan, placeOf } from './plan.js';
export { GenericWebsocketPublisher, WebsocketPublisher } from './publishers.js';
export { process_updates } from './process-updates.js';

// Not twice where two copies of the file are loaded, nor where there is no DOM.
if (globalThis.customElements?.get('live-page') === undefined) globalThis.customElements?.define('live-page', LivePage);
