/** The browser half of the own publisher, on the interface of Wagtail Live: three methods to write, `start` is there. */
const page = { ...document.currentScript.dataset };
const state = document.querySelector('#state');

class OwnPublisher extends WebsocketPublisher {
  initialize_websocket_connection() {
    const url = new URL(`${this.baseURL}/ws/channel/${encodeURIComponent(page.channel)}/`, location);
    url.protocol = url.protocol.replace('http', 'ws');
    // What is newer than the cursor comes first: nothing is missed, whether the page was loaded just now or lost its connection.
    url.searchParams.set('cursor', page.cursor);
    this.websocket = new WebSocket(url);
  }

  initialize_on_message_event() {
    this.websocket.onmessage = ({ data }) => {
      const update = JSON.parse(data);
      // The server cannot tell what was missed. At a moment of our own, because all readers are told at once.
      if (update.reload) setTimeout(() => location.reload(), 10_000 * Math.random());
      process_updates(update);
      // A server of Wagtail Live's own sends no cursor.
      if (update.cursor) page.cursor = update.cursor;
      state.textContent = 'Live, over a publisher of our own.';
    };
  }

  initialize_on_error_event() {
    this.websocket.onclose = ({ code, reason }) => {
      state.textContent = 'The connection is lost.';
      // Of the codes that are Live's own, those from 4500 on mean: not again.
      if (code === 1000 || code === 1008 || code === 1009 || code >= 4500) return;
      const [, wait = 0] = /retry in (\d+) ms/.exec(reason) ?? [];
      setTimeout(() => {
        this.initialize_websocket_connection();
        this.start();
      }, Number(wait) + 3_000 * Math.random());
    };
  }
}

new OwnPublisher(page.base).start();
