/** A small server that speaks docs/protocol.md, with switches to break what a network breaks. Test code only. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const CLIENT = new URL('../../../crates/live-core/client/', import.meta.url);
const POLICY =
  "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; frame-src 'self' https:; " +
  "require-trusted-types-for 'script'; trusted-types live; report-uri /violations";

export class FakeLive {
  epoch = '00000000000000aa';
  version = 1000;
  /** @type {Map<string, { version: number, render: any }>} a `null` render is a tombstone */
  posts = new Map();
  /** @type {Set<(frame: object) => void>} */
  readers = new Set();
  /** @type {Set<import('ws').WebSocket>} */
  sockets = new Set();
  /** Responses of Server-Sent Events. @type {Set<import('node:http').ServerResponse>} */
  streams = new Set();
  /** Requests by route, in order of arrival. @type {string[]} */
  requests = [];
  violations = [];
  broken = { websocket: false, sse: false, polling: 0 };
  /** What the page's HTML says; a test sets its own. */
  html = '';
  /** @type {((cursor: string) => object) | undefined} answers a join in place of the log */
  join;

  async start() {
    this.server = createServer((request, response) => this.#handle(request, response));
    const sockets = new WebSocketServer({ noServer: true });
    this.server.on('upgrade', (request, socket, head) => {
      this.requests.push(`WS ${request.url}`);
      if (this.broken.websocket) return socket.destroy();
      sockets.handleUpgrade(request, socket, head, (ws) => {
        this.sockets.add(ws);
        const leave = this.#add(request.url, (frame) => ws.send(JSON.stringify(frame)));
        ws.on('close', () => (this.sockets.delete(ws), leave()));
      });
    });
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  stop() {
    for (const socket of this.sockets) socket.terminate();
    this.server.closeAllConnections();
    return new Promise((resolve) => this.server.close(resolve));
  }

  get head() {
    return `${this.epoch}-${this.version}`;
  }

  /** Publishes: `{id: html | {content, sort?, show?} | null}`. */
  publish(changes) {
    const prev = this.head;
    const frame = { renders: {}, removals: [], prev };
    for (const [id, change] of Object.entries(changes)) {
      this.version++;
      const old = this.posts.get(id)?.render;
      const render = change && { show: true, sort: old?.sort ?? this.version, ...(typeof change === 'string' ? { content: change } : change) };
      this.posts.set(id, { version: this.version, render });
      if (render) frame.renders[id] = render;
      else frame.removals.push(id);
    }
    this.send({ ...frame, cursor: this.head });
  }

  send(frame) {
    for (const reader of [...this.readers]) reader(frame);
  }

  /** Closes every socket and stream, as a server that drains. */
  close(code = 1012, reason = 'draining, retry in 50 ms') {
    for (const socket of this.sockets) socket.close(code, reason);
    for (const stream of this.streams) stream.end(`event: close\nretry: 50\ndata: ${JSON.stringify({ code, reason })}\n\n`);
  }

  since(cursor) {
    if (this.join) return this.join(cursor);
    const [epoch, version] = cursor.split('-');
    const known = epoch === this.epoch && Number(version) <= this.version;
    const frame = { renders: {}, removals: [], cursor: this.head, prev: known ? cursor : this.head };
    if (!known && cursor) frame.reset = true;
    for (const [id, post] of this.posts) {
      if (known && post.version <= Number(version)) continue;
      if (post.render) frame.renders[id] = post.render;
      else frame.removals.push(id);
    }
    return frame;
  }

  #add(url, send) {
    send(this.since(new URL(url, this.url).searchParams.get('cursor') ?? ''));
    this.readers.add(send);
    return () => this.readers.delete(send);
  }

  async #handle(request, response) {
    const { pathname, searchParams } = new URL(request.url, this.url);
    this.requests.push(`${request.method} ${request.url}`);
    if (pathname.startsWith('/live/events/')) return this.#events(request, response);
    if (pathname.startsWith('/live/updates/')) return this.#updates(request, response, searchParams);
    if (pathname === '/violations') {
      let body = '';
      for await (const chunk of request) body += chunk;
      this.violations.push(body);
      return response.end();
    }
    if (pathname.startsWith('/live/')) {
      response.setHeader('content-type', 'text/javascript');
      return response.end(await readFile(new URL(pathname.slice(6), CLIENT)).catch(() => ''));
    }
    if (pathname === '/scripts.js') return response.setHeader('content-type', 'text/javascript').end(this.script);
    if (pathname !== '/') return response.writeHead(404).end();
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.setHeader('content-security-policy', POLICY);
    response.end(this.html);
  }

  #events(request, response) {
    if (this.broken.sse === true) return response.writeHead(502).end();
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    if (this.broken.sse === 'buffered') return;
    const leave = this.#add(request.url, (frame) => response.writableEnded || response.write(`id: ${frame.cursor}\ndata: ${JSON.stringify(frame)}\n\n`));
    this.streams.add(response);
    response.on('close', () => (this.streams.delete(response), leave()));
  }

  #updates(request, response, query) {
    if (this.broken.polling) return response.writeHead(this.broken.polling, { 'retry-after': '1' }).end('not now');
    const answer = (frame) => response.writeHead(200, { 'content-type': 'application/json', 'live-poll-interval': '250' }).end(JSON.stringify(frame));
    const cursor = query.get('cursor') ?? '';
    if (cursor !== this.head) return answer(this.since(cursor));
    const nothing = () => response.writeHead(204, { 'live-poll-interval': '250' }).end();
    if (!query.has('wait')) return nothing();
    const once = (frame) => (leave(), answer(frame));
    const late = setTimeout(() => (leave(), nothing()), Number(query.get('wait')) * 1000);
    const leave = () => (clearTimeout(late), this.readers.delete(once));
    this.readers.add(once);
    response.on('close', leave);
  }
}

/** A post as the wire carries it. */
export const post = (id, text, inner = '') => `<article data-post-id="${id}"><p>${text}</p>${inner}</article>`;

/** A page with these posts in it, top first: `[id, sort, text]`. */
export const pageHtml = (live, posts, { attributes = '', before = '', head = '' } = {}) => `<!doctype html><html lang="en"><head>
<title>t</title>${head}<script type="module" src="/live/live.js"></script></head><body>${before}
<live-page channel="room" data-live-cursor="${live.head}" ${attributes}>
${posts.map(([id, sort, text, inner = '']) => `<article data-post-id="${id}" data-live-sort="${sort}"><p>${text}</p>${inner}</article>`).join('\n')}
</live-page></body></html>`;
