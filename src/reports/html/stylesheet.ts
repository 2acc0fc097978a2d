/** The page's style sheet: two themes, paper, a phone's width. */

import { paletteRules } from '../charts/palette.js';

const light = `--page:#fdfdfb;--ink:#1b2027;--muted:#58616b;--line:#dcdeda;--panel:#f4f4ef;--accent:#0a5a9c;--holds:#e7efec;--limit:#b23a1e;--pass:#0b6b53;--fail:#b0361a;--inconclusive:#765700;--error:#75358f;${paletteRules('light')}`;

const dark = `--page:#15181c;--ink:#e9e7e2;--muted:#a5adb5;--line:#363c43;--panel:#1d2126;--accent:#7dbcf7;--holds:#1f2b2b;--limit:#ff8f70;--pass:#4cc7a0;--fail:#ff8f70;--inconclusive:#e2b84f;--error:#d3a2ea;${paletteRules('dark')}`;

const frame = `
*{box-sizing:border-box}
html{color-scheme:light dark;scroll-behavior:smooth;scroll-padding-top:1.5rem;-webkit-text-size-adjust:100%}
@media (prefers-reduced-motion:reduce){html{scroll-behavior:auto}}
body{margin:0 auto;max-width:66rem;padding:3.5rem 2rem 5rem;background:var(--page);color:var(--ink);font:16px/1.55 ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums lining-nums;text-rendering:optimizeLegibility;overflow-wrap:break-word}
a{color:var(--accent);text-decoration-thickness:1px;text-underline-offset:.2em}
a:hover{text-decoration-thickness:2px}
:focus-visible{outline:3px solid var(--accent);outline-offset:3px;border-radius:2px}
.skip{position:absolute;left:-999rem}
.skip:focus{left:1rem;top:1rem;z-index:1;padding:.5rem 1rem;background:var(--page)}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:.86em}
pre{margin:.5rem 0 1.25rem;padding:.9rem 1.1rem;background:var(--panel);border-radius:6px;overflow-x:auto;white-space:pre-wrap}
h1,h2,h3,.chart-title{line-height:1.2;text-wrap:balance;font-weight:650;letter-spacing:-.012em}
h1{margin:.35rem 0 1.6rem;font-size:clamp(1.9rem,5vw,2.8rem);letter-spacing:-.025em}
h2{margin:0 0 1.2rem;font-size:1.6rem}
h3{margin:0;font-size:1.22rem}
.chart-title{margin:0 0 .7rem;font-size:1rem}
section{margin-top:4.2rem}
section section{margin-top:2.4rem}
.sub{display:block;color:var(--muted);font-size:.845rem;font-weight:400;line-height:1.45;letter-spacing:0}
span.big+.sub{display:inline}
.top .brand{margin:0;font-weight:650;letter-spacing:-.01em}
.brand span{margin-left:.5em;color:var(--muted);font-weight:400}
.totals{display:flex;flex-wrap:wrap;gap:.2rem 2rem;margin:0 0 .8rem;padding:0;list-style:none;color:var(--tone)}
.totals li{color:var(--tone)}
.totals b{font-size:1.75rem;font-weight:650;letter-spacing:-.02em}
.totals .none{color:var(--muted)}
.bar{display:block;width:100%;height:8px;border-radius:4px;background:var(--line)}
.bar rect{fill:var(--tone);stroke:var(--page);stroke-width:1px}
.run{display:flex;flex-wrap:wrap;gap:.8rem 2.6rem;margin:1.4rem 0 0}
.run dt,.facts dt,.numbers dt,.reading dt{color:var(--muted);font-size:.845rem}
dd{margin:0}
nav{margin-top:2.2rem;padding:.9rem 0;border:solid var(--line);border-width:1px 0}
nav ul{display:flex;flex-wrap:wrap;gap:.35rem 1.6rem;margin:0;padding:0;list-style:none;font-size:.94rem}
footer{margin-top:4rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--muted);font-size:.845rem}
.tone-pass{--tone:var(--pass)}.tone-fail{--tone:var(--fail)}.tone-inconclusive{--tone:var(--inconclusive)}.tone-error{--tone:var(--error)}
.badge{display:inline-flex;align-items:center;gap:.4em;padding:.16em .68em .16em .5em;border:1px solid currentColor;border-radius:1em;color:var(--tone);font-size:.82rem;font-weight:600;line-height:1.45;white-space:nowrap}
.badge svg{fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round;flex:none}`;

const tables = `
table{width:100%;border-collapse:collapse;font-size:.925rem}
th,td{padding:.62rem .8rem .62rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
th:last-child,td:last-child{padding-right:0}
thead th{padding-top:0;border-bottom-color:var(--muted);color:var(--muted);font-size:.845rem;font-weight:500;vertical-align:bottom}
tbody th{font-weight:600}
tbody th a{text-decoration:none}
tbody th a:hover{text-decoration:underline}
th.number,td.number{text-align:right}
td.number{white-space:nowrap}
caption{padding:0 0 .7rem;text-align:left;font-weight:600;font-size:1rem}
.verdicts .group th{padding-top:1.9rem;font-size:1.02rem;letter-spacing:-.01em}
.verdicts tbody:first-of-type .group th{padding-top:1rem}
.verdicts .outcome{width:9.4rem}
.verdicts .plot-cell{width:11rem}
.verdicts .plot{height:38px}
.scroll{overflow-x:auto;margin:1.6rem 0}
.plot-cell{position:relative;padding:0 .8rem 0 0!important;vertical-align:middle!important}
.plot-cell svg{display:block;width:100%}
.plot,.own{overflow:visible}
.forest tbody .plot{position:absolute;inset:0 .8rem 0 0;width:calc(100% - .8rem);height:100%}
.forest tbody tr{height:4.1rem}
.forest tbody td,.forest tbody th{border-bottom-color:var(--line)}
.forest .plot-cell{width:34%;min-width:11rem}
.forest tbody tr+tr .plot-cell,.forest tbody .plot-cell{border-bottom:0}
.forest tfoot td{padding-top:0;border:0}
.forest td.number{padding-left:1rem}
.forest .own-row{background:var(--panel)}
.forest .own-row th{padding-left:.7rem}
.forest tbody th{padding-left:.7rem;min-width:8.5rem}
.forest tbody td:last-child{padding-right:.7rem}
.forest thead th:first-child{padding-left:.7rem}
.forest thead th:last-child{padding-right:.7rem}
.unbeaten,.surprise{color:var(--inconclusive)}
.surprise{font-weight:600}
.comparison td.number{font-size:.9rem}
.comparison .clear{color:var(--ink);font-weight:600}
.comparison thead .sub{min-width:8rem;white-space:normal}
.samples{min-width:54rem;table-layout:fixed}
.samples td,.samples tbody th{padding-right:1.2rem;font-weight:400}
.samples tbody th{color:var(--muted)}
.samples bdi{white-space:pre-wrap}
.axis{height:22px;overflow:visible}`;

const drawings = `
.holds-side{fill:var(--holds)}
.limit{stroke:var(--limit);stroke-width:1.5;stroke-dasharray:4 3}
.limit-text{fill:var(--limit);font-size:12.5px;font-weight:600}
.whisker{stroke:var(--mark,var(--ink));stroke-width:2}
.mark{fill:var(--mark,var(--ink));stroke:var(--mark,var(--ink));stroke-width:2}
.mark.hollow{fill:var(--page)}
.plot[class*=tone-],.own{--mark:var(--tone)}
.plot:not([class*=tone-]){--mark:var(--muted)}
.seed{stroke:var(--mark);stroke-width:1.5}
.rule{stroke:var(--line)}
.axis text{fill:var(--muted);font-size:12px}
.own{display:block;width:100%;height:80px;margin-top:.7rem}
.claim{margin-top:2.2rem;padding-top:1.9rem;border-top:1px solid var(--line)}
h2+.claim{margin-top:0}
.claim>header{display:flex;flex-wrap:wrap;align-items:center;justify-content:space-between;gap:.4rem 1rem}
.statement{max-width:44rem;margin:.7rem 0 1.4rem;font:1.14rem/1.5 "Iowan Old Style","Palatino Linotype",Palatino,"Book Antiqua",Georgia,serif}
.finding{padding:1.1rem 1.3rem .7rem;background:var(--panel);border-radius:8px}
.finding .holds-side{fill:color-mix(in srgb,var(--pass) 11%,var(--panel))}
.finding p{margin:0}
.verdict-words{color:var(--tone);font-weight:600;font-size:.9rem}
.big{font-size:1.5rem;font-weight:600;letter-spacing:-.015em}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,14.5rem),1fr));gap:1.1rem 2.4rem;margin:1.4rem 0;font-size:.925rem}
.numbers{display:flex;flex-wrap:wrap;gap:.8rem 2.2rem;margin:.9rem 0 0;font-size:.925rem}
details summary{cursor:pointer;color:var(--accent);font-size:.925rem}
.back{margin:1.2rem 0 0;font-size:.845rem}
.error-text{color:var(--error)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,25rem),1fr));gap:2.6rem 2.4rem;margin:1.6rem 0}
.chart{margin:0;min-width:0}
.chart.wide{grid-column:1/-1}
.drawing svg{display:block;width:100%;height:auto}
.drawing text{font-family:ui-sans-serif,system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
figcaption{max-width:44rem;margin-top:.6rem;color:var(--muted);font-size:.845rem}
.reading dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:1.2rem 2.4rem}
.reading dt{color:var(--ink);font-size:1rem;font-weight:600}
.reading dd{font-size:.925rem}`;

const phone = `
.facts .long{grid-column:span 2}
@media (max-width:46rem){
.facts .long{grid-column:auto}
body{padding:1.6rem 1rem 3rem}
.wide-only{display:none}
.verdicts .group th{padding-top:1.3rem}
.verdicts .outcome{width:auto;padding-right:.7rem}
.verdicts .badge{padding:4px;font-size:0;gap:0;border-radius:50%}
.verdicts thead th:first-child{font-size:0}
.verdicts .number{padding-right:0}
.verdicts .badge svg{width:16px;height:16px}
section{margin-top:3rem}
.finding{margin:0 -.4rem;padding:1rem .9rem .5rem}
.forest,.forest caption,.forest tbody,.forest tfoot,.forest tfoot tr{display:block}
.forest thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.forest tbody tr{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,auto);height:auto;padding:.7rem 0;border-bottom:1px solid var(--line)}
.forest tbody tr:first-child{border-top:1px solid var(--line)}
.forest tbody th,.forest tbody td{min-width:0;padding:0 .5rem!important;border:0;white-space:normal;overflow-wrap:anywhere}
.forest .own-row{padding-bottom:.2rem}
.forest .plot-cell{width:auto;min-width:0}
.forest tbody .plot-cell{grid-column:1/-1;grid-row:2;height:2.6rem}
.forest tbody .plot{inset:0 .5rem;width:calc(100% - 1rem)}
.forest tbody .difference{grid-column:1/-1;grid-row:3}
.forest tbody .difference::before{content:"claim − control ";color:var(--muted);font-size:.845rem}
.forest .own-row .difference{display:none}
.forest tbody .error-text{grid-column:1/-1}
.forest tfoot td{display:none}
.forest tfoot .plot-cell{display:block;padding:0 .5rem!important}
.wide-drawing{overflow-x:auto}
.chart.wide .drawing svg{min-width:38rem}
}`;

const print = `
@media print{
:root{${light}}
body{max-width:none;padding:0;font-size:10.5pt}
nav,.back,.skip{display:none}
a{color:inherit;text-decoration:none}
.claim,.chart,tr{break-inside:avoid}
h2,h3{break-after:avoid}
.scroll{overflow:visible}
.finding,.forest .own-row,.bar{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
@page{margin:16mm}`;

/** As the `style` element holds it, whose hash the page's policy names. */
export const stylesheet = `:root{${light}}
@media (prefers-color-scheme:dark){:root{${dark}}}${frame}${tables}${drawings}${phone}${print}
`;
