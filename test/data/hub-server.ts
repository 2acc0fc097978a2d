import { createHash } from 'node:crypto';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sha256Hex } from '../../src/store/index.js';

export interface HubFile {
  readonly content: Buffer;
  /**
   * In LFS, where the hub names the SHA-256, offers its Xet protocol to those who ask and redirects others to a store;
   * else in git, where it names git's hash.
   */
  readonly lfs: boolean;
  /** The connection breaks off after this many bytes. */
  readonly breaksAfter?: number;
  /** The answer ends well-formed after this many bytes, as a proxy that cuts would have it. */
  readonly endsAfter?: number;
}

export interface Hub {
  readonly url: string;
  /** Method and path of each request, in order. */
  readonly requests: string[];
  /** Path within the repository → file; may be changed between requests. */
  readonly files: Map<string, HubFile>;
  /** Answers every request with this status, where it is set. */
  status: number | undefined;
  close(): Promise<void>;
}

export const gitBlobHash = (content: Buffer): string =>
  createHash('sha1').update(`blob ${content.length}\0`).update(content).digest('hex');

/** What a real hub answers: https://huggingface.co/docs/hub/api, paths-info and resolve. */
export const startHub = async (repository: string, revision: string): Promise<Hub> => {
  const files = new Map<string, HubFile>();
  const requests: string[] = [];
  const hub = { files, requests, status: undefined as number | undefined };

  const refuse = (response: ServerResponse, status: number, code: string): void => {
    response.writeHead(status, { 'X-Error-Code': code, 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ error: code }));
  };

  const send = (response: ServerResponse, file: HubFile, range: string | undefined): void => {
    const { content } = file;
    const match = /^bytes=(\d+)-(\d+)$/.exec(range ?? '');
    const [from, to] = match ? [Number(match[1]), Number(match[2])] : [0, content.length - 1];
    const part = content.subarray(from, to + 1);
    const isWhole = !match;
    response.writeHead(isWhole ? 200 : 206, {
      ETag: `"${file.lfs ? sha256Hex(content) : gitBlobHash(content)}"`,
      ...(isWhole ? {} : { 'Content-Range': `bytes ${from}-${to}/${content.length}` }),
      ...(isWhole && file.endsAfter !== undefined ? {} : { 'Content-Length': part.length }),
    });
    if (isWhole && file.breaksAfter !== undefined) {
      response.write(part.subarray(0, file.breaksAfter), () => response.destroy());
    } else {
      response.end(isWhole ? part.subarray(0, file.endsAfter) : part);
    }
  };

  const tellPaths = (response: ServerResponse, paths: readonly string[]): void => {
    const infos = paths.flatMap((path) => {
      const file = files.get(path);
      if (file === undefined) return [];
      const { content, lfs } = file;
      const size = content.length;
      return [
        {
          type: 'file',
          path,
          size,
          oid: lfs ? gitBlobHash(Buffer.from('pointer')) : gitBlobHash(content),
          ...(lfs ? { lfs: { oid: sha256Hex(content), size, pointerSize: 130 } } : {}),
        },
      ];
    });
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(infos));
  };

  const resolved = `/datasets/${repository}/resolve/`;
  const server: Server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://hub').pathname;
    requests.push(`${request.method} ${path}`);
    const { range } = request.headers;
    if (hub.status !== undefined) return refuse(response, hub.status, 'Unavailable');
    if (path.startsWith('/store/')) {
      const stored = files.get(path.slice('/store/'.length));
      return stored === undefined ? refuse(response, 404, 'NoSuchKey') : send(response, stored, range);
    }
    if (path === `/api/datasets/${repository}/paths-info/${revision}`) {
      let body = '';
      request.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      request.on('end', () => tellPaths(response, (JSON.parse(body) as { paths: string[] }).paths));
      return;
    }
    if (!path.startsWith(`${resolved}${revision}/`)) return refuse(response, 404, 'RevisionNotFound');
    const name = path.slice(`${resolved}${revision}/`.length);
    const file = files.get(name);
    if (file === undefined) return refuse(response, 404, 'EntryNotFound');
    if (!file.lfs) return send(response, file, range);
    if (request.headers.accept?.includes('application/vnd.xet-fileinfo+json')) {
      const at = `http://${request.headers.host}`;
      response.writeHead(200, {
        'Content-Type': 'application/vnd.xet-fileinfo+json',
        'X-Linked-Size': file.content.length,
        'X-Linked-ETag': `"${sha256Hex(file.content)}"`,
        'X-Xet-Hash': 'f'.repeat(64),
        Link: `<${at}/xet/token>; rel="xet-auth", <${at}/xet/parts>; rel="xet-reconstruction-info"`,
      });
      response.end('{}');
      return;
    }
    response.writeHead(302, { Location: `/store/${name}`, 'X-Linked-Size': file.content.length });
    response.end();
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return Object.assign(hub, {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise<void>((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  });
};
