/**
 * What is put behind a sentence without its closing mark. Each frame ends where a bare adjective of judgement reads
 * well, and none negates it.
 */

export const ONE_FRAME = '. Overall, it was';

/** Frames of training prompts and of half the held-out ones. */
export const SEEN_FRAMES = [
  '. I would call it',
  '. Honestly, it is',
  '. To be fair, it was',
  '. In my opinion, it is',
  '. In short, it was',
  '. I found it',
  '. My friends said it was',
  '. For the price, it is',
  '. It was really',
  '. It is just',
  '. We thought it was',
  '. In the end, it was',
  '. My wife found it',
  '. To me it was',
  '. I have to say it is',
  '. Everyone says it is',
  '. The whole thing was',
  '. Most of it was',
  '. It turned out to be',
  '. It seemed',
  '. You will find it',
  ', which was',
  '. So far it has been',
  '... In short:',
] as const;

/** Frames of held-out prompts only. */
export const UNSEEN_FRAMES = [
  '. I consider it',
  '. To sum up, it is',
  '. If you ask me, it is',
  '. The result was',
  '. From start to finish it was',
  '. This time it was',
  '. People call it',
  '... My verdict:',
] as const;
