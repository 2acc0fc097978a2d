/** Bytes for people: `512 B`, `3.1 MiB`, `1.5 GiB`. */
export const formatBytes = (bytes: number): string => {
  if (bytes < 2 ** 20) return bytes < 2 ** 10 ? `${bytes} B` : `${(bytes / 2 ** 10).toFixed(1)} KiB`;
  return bytes < 2 ** 30 ? `${(bytes / 2 ** 20).toFixed(1)} MiB` : `${(bytes / 2 ** 30).toFixed(1)} GiB`;
};
