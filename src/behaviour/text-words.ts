/** The words of a text in lower case: runs of letters and digits of any script. */
export const textWords = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
