/** A real HTTP server on 127.0.0.1 that answers as a test tells it to. */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface Reply {
  readonly status?: number;
  /** Sent as JSON; a text is sent as it is. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The answer is held back for so long. */
  readonly delayMs?: number;
}

export interface LoopbackServer {
  /** `http://127.0.0.1:port` */
  readonly origin: string;
  readonly requests: readonly SeenRequest[];
  /** Most requests that were under way at once. */
  readonly busiest: () => number;
  close(): Promise<void>;
}

/** @param reply told the request and how many came before it */
export const startServer = async (
  reply: (request: SeenRequest, index: number) => Reply,
): Promise<LoopbackServer> => {
  const requests: SeenRequest[] = [];
  let [now, busiest] = [0, 0];
  const server = createServer((incoming, outgoing) => {
    now++;
    busiest = Math.max(busiest, now);
    const chunks: Buffer[] = [];
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const request = {
        path: incoming.url ?? '',
        headers: incoming.headers,
        body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as Record<string, unknown>,
      };
      const { status = 200, body = {}, headers = {}, delayMs = 0 } = reply(request, requests.length);
      requests.push(request);
      setTimeout(() => {
        now--;
        outgoing.writeHead(status, { 'content-type': 'application/json', ...headers });
        outgoing.end(typeof body === 'string' ? body : JSON.stringify(body));
      }, delayMs);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    busiest: () => busiest,
    close: () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  };
};
