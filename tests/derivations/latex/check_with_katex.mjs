// Parses formulas with KaTeX in strict mode: JSON lines with a name and a formula on stdin.
//
//   python -m tests.derivations.latex.formulas | node tests/derivations/latex/check_with_katex.mjs FOLDER
//
// FOLDER is where `npm install katex` was run. Every formula that KaTeX refuses is named.

import { createRequire } from "node:module";
import { resolve } from "node:path";
import { createInterface } from "node:readline";

const katex = createRequire(resolve(process.argv[2], "package.json"))("katex");
let count = 0;
let refused = 0;

for await (const line of createInterface({ input: process.stdin })) {
  const { name, formula, display } = JSON.parse(line);
  count += 1;
  try {
    katex.renderToString(formula, { displayMode: display, strict: "error", throwOnError: true });
  } catch (error) {
    refused += 1;
    console.error(`${name}: ${error.message}\n${formula}\n`);
  }
}

console.log(`KaTeX ${katex.version}: ${count} formulas, ${refused} refused`);
process.exitCode = count === 0 || refused > 0 ? 1 : 0;
