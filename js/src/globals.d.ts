/** The globals of a Wagtail Live page that its publishers read. */
declare const channelID: string;
declare const piesocketApiKey: string;
declare const piesocketEndpoint: string;
