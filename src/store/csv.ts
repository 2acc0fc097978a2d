/** CSV as of RFC 4180: CRLF between records, quotes only where a field needs them. */

export type CsvField = string | number;

const field = (value: CsvField): string => {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : '';
  return /[",\r\n]|^\s|\s$/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
};

/** A header of `columns` and one record a row; numbers that are not finite become empty fields. */
export const formatCsv = (columns: readonly string[], rows: readonly (readonly CsvField[])[]): string =>
  [columns, ...rows].map((row) => `${row.map(field).join(',')}\r\n`).join('');
