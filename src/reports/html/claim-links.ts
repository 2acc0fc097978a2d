/** The anchor of each claim's section: a claim may be judged in several experiments. */

import type { ClaimReport, RunReport } from '../../claims/index.js';
import { groupTitle } from '../groups.js';
import { slug } from './markup.js';

/** By claim; no two are equal. */
export const claimAnchors = ({ claims }: Pick<RunReport, 'claims'>): ReadonlyMap<ClaimReport, string> => {
  const taken = new Set<string>();
  return new Map(
    claims.map((claim) => {
      const wanted = `claim-${slug(groupTitle(claim))}-${slug(claim.id)}`;
      let anchor = wanted;
      for (let count = 2; taken.has(anchor); count++) anchor = `${wanted}-${count}`;
      taken.add(anchor);
      return [claim, anchor];
    }),
  );
};
