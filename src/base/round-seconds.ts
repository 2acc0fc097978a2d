/** To the millisecond: sums of seconds otherwise end in what doubles cannot hold. */
export const roundSeconds = (seconds: number): number => Math.round(seconds * 1000) / 1000;
