/** The stylesheet: system fonts, two palettes, tables that turn into cards where the screen is narrow. */

export const STYLE = `:root {
  color-scheme: light dark;
  --page: #faf9f6; --raised: #fff; --line: #e2ded6; --edge: #8b847a; --text: #211f1c; --quiet: #625c54; --link: #1a56b0;
  --ok: #17693a; --warning: #8a5200; --critical: #b4231a; --acked: #5b4aa8; --held: #4a4fa8; --off: #8a5200; --unknown: #5d5850;
  --tint: 7%;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #151413; --raised: #1e1c1a; --line: #35312d; --edge: #7d766c; --text: #ece8e2; --quiet: #aca59b; --link: #8fbcff;
    --ok: #6fd197; --warning: #f2b85c; --critical: #ff8f84; --acked: #b9aaff; --held: #aeb4ff; --off: #f2b85c; --unknown: #b4ada3;
    --tint: 11%;
  }
}
* { box-sizing: border-box; }
html { font: 100%/1.5 system-ui, sans-serif; -webkit-text-size-adjust: 100%; scroll-padding-top: 4rem; }
body { margin: 0 auto; padding: 0 clamp(1rem, 4vw, 2.5rem) 4rem; max-width: 84rem; background: var(--page); color: var(--text); overflow-wrap: break-word; }
h1, h2 { line-height: 1.25; font-weight: 650; text-wrap: balance; margin: 0 0 .75rem; }
h1 { font-size: 1.7rem; letter-spacing: -.01em; }
h2 { font-size: 1.1rem; }
p, ul, ol, dl { margin: 0 0 .75rem; }
ul, ol { padding: 0; list-style: none; }
dt, small, .quiet, .hint { color: var(--quiet); }
dt, small { font-size: .875rem; }
small { display: block; font-weight: 400; }
dd { margin: 0; }
a { color: var(--link); text-underline-offset: .2em; text-decoration: underline 1px color-mix(in srgb, currentColor 45%, transparent); }
a:hover { text-decoration-color: currentColor; }
time, td, .summary, output { font-variant-numeric: tabular-nums; }
q { quotes: "“" "”"; }
.text { white-space: pre-line; }
.text, h1, h2, dd, li, p, [scope=row] { overflow-wrap: anywhere; }
.unseen, .skip:not(:focus) { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip { position: absolute; z-index: 2; top: .5rem; padding: .5rem 1rem; background: var(--raised); }
.shapes { position: absolute; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
main:focus { outline: none; }

.head { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1.5rem; padding: .75rem 0; }
.head nav { display: flex; flex-wrap: wrap; gap: 0 1.25rem; flex: 1; }
.head a { display: inline-flex; align-items: center; gap: .5rem; min-height: 2.5rem; color: inherit; text-decoration: none; }
.head a:hover { text-decoration: underline; }
.head a[aria-current] { font-weight: 600; box-shadow: inset 0 -2px var(--link); }
.brand { font-weight: 700; }
.session { display: flex; align-items: center; gap: .75rem; margin: 0; }
.bar { position: sticky; top: 0; z-index: 1; display: flex; flex-wrap: wrap; gap: 0 1.5rem; justify-content: space-between; margin-bottom: 2rem; padding: .5rem 0; background: var(--page); border-bottom: 1px solid var(--line); font-size: .9375rem; }
.bar p { margin: 0; }
#line, .standing { display: flex; flex-wrap: wrap; align-items: baseline; gap: .125rem .875rem; }
.live { overflow: auto; max-height: 30rem; margin: .5rem 0 0; padding: .75rem; border: 1px solid var(--line); white-space: pre-wrap; overflow-wrap: anywhere; font: .875rem/1.5 ui-monospace, monospace; }
#note:empty { display: none; }
#note.alarm { color: var(--critical); font-weight: 600; }

.chip { display: inline-flex; align-items: baseline; gap: .4em; color: var(--tone); font-weight: 600; }
.verdict.past { --tone: var(--quiet); }
.chip.past { color: var(--quiet); font-weight: 400; font-style: italic; }
.shape { flex: none; width: 1em; height: 1em; margin-top: .25em; fill: currentColor; align-self: start; }
.ok { --tone: var(--ok); } .warning { --tone: var(--warning); } .critical { --tone: var(--critical); } .acked { --tone: var(--acked); }
.held { --tone: var(--held); } .off { --tone: var(--off); } .unknown { --tone: var(--unknown); }
small.failing { color: var(--critical); } small.acked { color: var(--acked); } small.missing { font-style: italic; }

.verdict { display: flex; align-items: center; gap: 1rem; }
.verdict .shape { width: 2.75rem; height: 2.75rem; margin: 0; align-self: center; color: var(--tone); }
.verdict .of { display: block; font-size: 1rem; font-weight: 500; color: var(--quiet); letter-spacing: 0; }
.verdict .word { display: inline-block; font-size: 2rem; color: var(--tone); }
.verdict .word::first-letter { text-transform: uppercase; }
.verdict .notes { font-weight: 450; }
.crumbs { display: flex; flex-wrap: wrap; margin-bottom: .25rem; font-size: .9375rem; }
.crumbs a { padding: .125rem 0; }
.crumbs a:not(:last-child)::after { content: "/"; display: inline-block; padding: 0 .5em; color: var(--quiet); }

.panel, .banner, .attention { padding: 1rem 1.25rem; margin: 0 0 1.25rem; border: 1px solid var(--line); border-radius: 10px; background: var(--raised); }
.panel > :last-child, .panel dl > :last-child, .banner p:last-child { margin-bottom: 0; }
.banner { display: flex; gap: 1rem; border: 2px solid var(--tone); background: color-mix(in srgb, var(--tone) var(--tint), var(--raised)); }
.banner .shape { width: 1.75rem; height: 1.75rem; color: var(--tone); align-self: start; }
.banner p { margin-bottom: .25rem; max-width: 75ch; }
.attention, .check.critical, .card.bad { border-left: 4px solid var(--critical); }
.check.warning { border-left: 4px solid var(--warning); }
.attention ul { margin: 0; }
.attention li { display: grid; grid-template-columns: 6rem minmax(8rem, 1fr) 2fr; gap: 0 1rem; padding: .375rem 0; }
.categories ul { display: flex; flex-wrap: wrap; gap: .5rem; margin-bottom: 1.25rem; }
.categories a { display: flex; flex-wrap: wrap; align-items: center; gap: 0 .6rem; min-height: 2.5rem; padding: .25rem .875rem; border: 1px solid var(--line); border-radius: 1.25rem; background: var(--raised); color: inherit; text-decoration: none; }
.categories a:hover, .categories [aria-current] { border-color: var(--link); }
.categories [aria-current] { box-shadow: inset 0 0 0 1px var(--link); }
.facts > div, .panel dl > div { margin-bottom: .75rem; max-width: 90ch; }
.cards { columns: 22rem 3; column-gap: 1.25rem; }
.cards .panel { break-inside: avoid; }
.members { columns: 11rem; column-gap: 1.5rem; margin: .5rem 0 0; }
.members li { break-inside: avoid; padding: .125rem 0; }
.members small { display: inline; }
.override { margin-bottom: .75rem; padding-left: .75rem; border-left: 3px solid var(--off); }
.override p { margin: 0; }
details { margin-bottom: .75rem; }
summary { min-height: 1.75rem; cursor: pointer; }
details > form, details > dl { margin-top: .75rem; }
.plain-list li { padding: .2rem 0; }
.plain-list small { display: inline; margin-left: .5rem; }
.events li { display: grid; grid-template-columns: 5.5rem 1fr; padding: .625rem 0; border-top: 1px solid var(--line); }
.events p { margin: 0; }
.events time { color: var(--quiet); }
section > h2 { margin-top: 1.5rem; }
.attention > h2, .panel > h2, .banner h2 { margin-top: 0; }

table { width: 100%; margin-bottom: 1.5rem; border-collapse: collapse; }
th, td { padding: .625rem .75rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
thead th { font-size: .875rem; font-weight: 600; color: var(--quiet); vertical-align: bottom; }
tbody th { min-width: clamp(10rem, 18vw, 15rem); max-width: 20rem; font-weight: 550; }
tbody td { min-width: 6.25rem; max-width: 30rem; }
.wide { width: 28%; } .broad { width: 20%; }
tr.bad > * { background: color-mix(in srgb, var(--critical) var(--tint), transparent); }
tr.bad > :first-child { box-shadow: inset 3px 0 var(--critical); }
tr:target > * { background: color-mix(in srgb, var(--link) 14%, transparent); }
tr[hidden] { display: none; }
th button { display: inline; margin: -.375rem -.5rem; padding: .375rem .5rem; min-height: 0; border: 0; background: none; color: inherit; font-weight: inherit; font-size: inherit; text-align: left; white-space: normal; }
th button::after { content: " ↕"; opacity: .6; } [aria-sort=ascending] button::after { content: " ↑"; opacity: 1; } [aria-sort=descending] button::after { content: " ↓"; opacity: 1; }
.matrix td, .matrix thead th { min-width: 0; }
.matrix .check { width: 2.5rem; padding-inline: .25rem; text-align: center; }
.matrix thead .check { padding-block: .5rem; writing-mode: vertical-rl; text-align: left; }
.ack q { display: block; }
.tools { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem 1.5rem; margin: 0 0 .75rem; }
.tools label { display: flex; align-items: center; gap: .5rem; min-height: 2.5rem; }

button, .button { display: inline-flex; align-items: center; min-height: 2.25rem; padding: .25rem .875rem; font: inherit; font-size: .9375rem; line-height: 1.25; color: var(--text); background: var(--raised); border: 1px solid var(--edge); border-radius: 7px; text-decoration: none; cursor: pointer; white-space: nowrap; }
button:hover, .button:hover { border-color: var(--link); }
.primary { background: var(--link); border-color: var(--link); color: var(--page); font-weight: 600; }
.actions { display: flex; flex-wrap: wrap; align-items: center; gap: .5rem; margin-bottom: .75rem; }
td .actions { margin: 0; }
.fields { display: grid; gap: 1.25rem; max-width: 40rem; justify-items: start; }
.field { display: grid; gap: .25rem; width: 100%; }
.field label, legend { padding: 0; font-weight: 600; }
.fields p { margin: 0; }
input:not([type=radio], [type=checkbox]), textarea { width: 100%; min-height: 2.5rem; padding: .375rem .625rem; font: inherit; color: inherit; background: var(--page); border: 1px solid var(--edge); border-radius: 7px; }
[type=radio], [type=checkbox] { width: 1.25rem; height: 1.25rem; margin: 0; flex: none; accent-color: var(--link); }
fieldset { margin: 0; padding: 0; border: 0; min-width: 0; }
.choice { display: flex; align-items: center; gap: .625rem; min-height: 2.5rem; }
.error { color: var(--critical); font-weight: 600; }
[aria-invalid] { border-color: var(--critical); }
@media (pointer: coarse) { button, .button, summary { min-height: 2.75rem; } summary { padding: .5rem 0; } }

@media (min-width: 54.01rem) { .matrix .word { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; } }
@media (max-width: 54rem) {
  .matrix .fine { display: none; } .matrix .check { width: auto; text-align: left; } .matrix td.check[data-label] { grid-template-columns: 11rem 1fr; }
  thead:not(:focus-within) { position: absolute; clip-path: inset(50%); width: 1px; height: 1px; overflow: hidden; }
  table, tbody, tr, tbody th, tbody td { display: block; min-width: 0; max-width: none; }
  tbody tr { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: .125rem 1rem; padding: .75rem 0; border-bottom: 1px solid var(--line); }
  tbody tr.bad { margin-inline: -.75rem; padding-inline: .75rem; box-shadow: inset 4px 0 var(--critical); background: color-mix(in srgb, var(--critical) var(--tint), transparent); }
  tbody tr > *, tr.bad > *, tr.bad > :first-child { padding: 0; border: 0; background: none; box-shadow: none; }
  tbody td { grid-column: 1 / -1; font-size: .9375rem; }
  tbody td.state { grid-column: 2; grid-row: 1; max-width: 58vw; justify-self: end; }
  tbody td[data-label] { display: grid; grid-template-columns: 7rem 1fr; gap: 0 .5rem; }
  tbody td[data-label]::before { content: attr(data-label); grid-row: 1 / 9; color: var(--quiet); }
  td > * { grid-column: 2; }
  tbody td:empty { display: none; }
  .attention li { grid-template-columns: auto 1fr; } .attention li .text { grid-column: 1 / -1; }
  #clusters td { grid-template-columns: 9.5rem 1fr; }
  .verdict .word { font-size: 1.6rem; }
  .head nav { order: 1; flex-basis: 100%; gap: 0 1rem; font-size: .9375rem; }
  .session { margin-left: auto; }
  .bar { margin-bottom: 1.25rem; }
  .bar .quiet { display: none; }
  .tools label:first-child { flex: 1 1 12rem; }
}
`
