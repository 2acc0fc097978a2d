/** Colour and width of a terminal, decided once from the stream and the environment. */

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  green(text: string): string;
  red(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

export interface OutputStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const wrap =
  (open: number, close: number) =>
  (text: string): string =>
    text === '' ? text : `\u001b[${open}m${text}\u001b[${close}m`;

const plain = (text: string): string => text;

const plainStyle: Style = {
  bold: plain,
  dim: plain,
  green: plain,
  red: plain,
  yellow: plain,
  cyan: plain,
};

const ansiStyle: Style = {
  bold: wrap(1, 22),
  dim: wrap(2, 22),
  green: wrap(32, 39),
  red: wrap(31, 39),
  yellow: wrap(33, 39),
  cyan: wrap(36, 39),
};

export const styleFor = (color: boolean): Style => (color ? ansiStyle : plainStyle);

/** `NO_COLOR` wins over `FORCE_COLOR`, which wins over what the stream is (no-color.org). */
export const wantsColor = (stream: OutputStream, environment: Environment): boolean => {
  if (environment['NO_COLOR']) return false;
  const forced = environment['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return stream.isTTY === true && environment['TERM'] !== 'dumb';
};

/** Columns to write in: the terminal's own, else `COLUMNS`, else `fallback`; never under 60. */
export const widthOf = (stream: OutputStream, environment: Environment, fallback = 100): number => {
  const asked = Number.parseInt(environment['COLUMNS'] ?? '', 10);
  const width = stream.columns ?? (Number.isFinite(asked) && asked > 0 ? asked : fallback);
  return Math.max(60, width);
};
