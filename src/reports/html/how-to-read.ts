/** What the words and marks of the page mean. */

import { html, type Markup } from './markup.js';

export const howToRead: Markup = html`<section id="reading" aria-labelledby="reading-title" class="reading"><h2 id="reading-title">How to read this</h2>
<dl>
<div><dt>Verdict</dt><dd>It comes from the interval against the threshold, never from the estimate alone. The whole interval on the tinted side <em>holds</em>; on the other side it <em>breaks</em>; across the line it cannot be told.</dd></div>
<div><dt>Outcome</dt><dd>The verdict compared with the one that the specification expects. A claim that is expected to break, and breaks, passes. A control that surprises makes its claim fail.</dd></div>
<div><dt>Control</dt><dd>The same quantity without the preference signal (hollow circles). A claim is <em>specific</em> only if it beats each control in a paired difference and none of them passes its threshold as well. Squares stand beside the claim, and are not to be beaten.</dd></div>
<div><dt>Interval</dt><dd>Over prompts, clustered by source document. Training seeds are a second level of variation and are drawn as ticks below the interval.</dd></div>
<div><dt>Adjusted p</dt><dd>Corrected for the number of claims in the run: Holm for headline claims, Benjamini–Hochberg for screens. A verdict that does not survive it is inconclusive.</dd></div>
</dl></section>`;
