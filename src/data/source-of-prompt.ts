import { sha256Hex } from '../store/index.js';

/** The same text whatever its white space and its Unicode composition. */
export const normalisedText = (text: string): string => text.normalize('NFC').replace(/\s+/gu, ' ').trim();

/**
 * A source document for records that name none: the same for all conversations that begin with the same words of a person,
 * so that they are split and clustered together.
 */
export const sourceOfFirstTurn = (text: string): string =>
  `first-turn-${sha256Hex(normalisedText(text)).slice(0, 16)}`;
