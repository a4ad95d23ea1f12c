/** A proxy before the example that does to it what networks do: refuses, swallows, cuts, and serves old copies. */
import { createServer, request } from 'node:http';
import { connect } from 'node:net';
import { atEnd } from './cleanup.js';

/** What a request asks for. */
const KINDS = [
  ['websocket', /^\/live\/ws\//],
  ['sse', /^\/live\/events\//],
  ['long-polling', /^\/live\/updates\/.*[?&]wait/],
  ['interval-polling', /^\/live\/updates\//],
];

/** @param {import('node:test').TestContext} t @param {{ url: string }} site */
export const startProxy = async (t, site) => {
  const proxy = new Proxy(site);
  atEnd(t, () => proxy.stop());
  await proxy.start();
  return proxy;
};

class Proxy {
  /** What happens to each kind of request that is not let through. @type {Record<string, 'refuse' | 'swallow'>} */
  rules = {};
  /** HTML that is served in place of the site's, by path. @type {Map<string, string>} */
  copies = new Map();
  /** Kind and path of every request, in the order in which they came. @type {string[]} */
  requests = [];
  /** Open sockets, by the kind of their last request. @type {Map<import('node:net').Socket, string>} */
  #sockets = new Map();
  #server = createServer((incoming, outgoing) => this.#pass(incoming, outgoing));

  constructor(site) {
    this.site = site;
    this.#server.on('connection', (socket) => {
      this.#sockets.set(socket, 'idle');
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server.on('upgrade', (incoming, socket, head) => this.#upgrade(incoming, socket, head));
  }

  async start() {
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    this.url = `http://127.0.0.1:${this.#server.address().port}`;
  }

  async stop() {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    await closed;
  }

  /** Ends what is open, all of it or one kind. @param {string} [only] */
  cut(only) {
    for (const [socket, kind] of this.#sockets) if (!only || kind === only) socket.destroy();
  }

  /** Lets only these kinds through from now on. @param {string[]} kinds */
  allowOnly(...kinds) {
    this.rules = Object.fromEntries(KINDS.filter(([kind]) => !kinds.includes(kind)).map(([kind]) => [kind, 'refuse']));
    for (const kind of Object.keys(this.rules)) this.cut(kind);
  }

  /** @returns {'refuse' | 'swallow' | undefined} */
  #judge({ url, socket }) {
    const kind = KINDS.find(([, pattern]) => pattern.test(url))?.[0] ?? 'page';
    this.#sockets.set(socket, kind);
    this.requests.push(`${kind} ${url}`);
    return this.rules[kind];
  }

  #pass(incoming, outgoing) {
    const rule = this.#judge(incoming);
    if (rule === 'swallow') return;
    if (rule === 'refuse') return outgoing.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad gateway</h1>');
    const { pathname } = new URL(incoming.url, this.url);
    const { port, hostname } = new URL(this.site.url);
    const { method, url: path, headers } = incoming;
    const onward = request({ hostname, port, method, path, headers, agent: false }, (answer) => {
      const copy = this.copies.get(pathname);
      if (copy === undefined) {
        outgoing.writeHead(answer.statusCode, answer.headers);
        return void answer.pipe(outgoing);
      }
      answer.resume();
      outgoing.writeHead(200, { ...answer.headers, 'content-length': Buffer.byteLength(copy) }).end(copy);
    });
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  }

  #upgrade(incoming, socket, head) {
    socket.on('error', () => socket.destroy());
    const rule = this.#judge(incoming);
    if (rule === 'swallow') return;
    if (rule === 'refuse') return socket.end('HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    const { port, hostname } = new URL(this.site.url);
    const onward = connect(Number(port), hostname, () => {
      const headers = incoming.rawHeaders.map((text, index) => text + (index % 2 ? '\r\n' : ': ')).join('');
      onward.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${headers}\r\n`);
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    onward.on('close', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  }
}
