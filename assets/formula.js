// A formula in the LaTeX of papers -> MathML, which every browser draws: as much of LaTeX as the methods' equations use.

const SPACE = "http://www.w3.org/1998/Math/MathML"
const SIGNS = {
  cdot: "·",
  mid: "|",
  neq: "≠",
  in: "∈",
  odot: "⊙",
  leftarrow: "←",
  sim: "∼",
  setminus: "∖",
  dots: "…",
  circ: "∘",
  "|": "‖",
  times: "×",
  le: "≤",
  ge: "≥",
  sum: "∑",
  to: "→",
}
const LETTERS = {
  tau: "τ",
  theta: "θ",
  sigma: "σ",
  lambda: "λ",
  mu: "μ",
  nu: "ν",
  Omega: "Ω",
  ell: "ℓ",
  epsilon: "ϵ",
  alpha: "α",
  beta: "β",
  gamma: "γ",
  pi: "π",
  phi: "φ",
}
const NAMES = ["log", "exp", "min", "max", "ln"]
const GAPS = { ",": ".17em", ";": ".28em", "!": "-.17em", quad: "1em", qquad: "2em", " ": ".3em" }
const ACCENTS = { hat: "^", tilde: "~", bar: "¯" }
const DROPPED = ["left", "right", "Big", "big"]

/** "\\frac{1}{n} \\sum_i x_i" -> a <math> element. */
export function formula(latex) {
  const tokens = latex.match(/\\[a-zA-Z]+|\\.|[{}^_]|'+|\d+(?:\.\d+)?|[^\s]/g) ?? []
  const math = element("math", ...row(tokens, null))
  math.setAttribute("display", "block")
  return math
}

/** Everything up to `end`, which is taken, too. */
function row(tokens, end) {
  const parts = []
  while (tokens.length && tokens[0] !== end) {
    const base = atom(tokens)
    if (base) parts.push(scripted(base, tokens))
  }
  tokens.shift()
  return parts
}

function atom(tokens) {
  const token = tokens.shift()
  if (token === "{") return element("mrow", ...row(tokens, "}"))
  if (!token.startsWith("\\")) return plain(token)
  const name = token.slice(1)
  if (DROPPED.includes(name)) return null
  if (name in GAPS) return gap(GAPS[name])
  if (name in SIGNS) return element("mo", SIGNS[name])
  if (name in LETTERS) return element("mi", LETTERS[name])
  if (NAMES.includes(name)) return element("mrow", element("mi", name), gap(".17em"))
  if (name === "frac" || name === "tfrac") return element("mfrac", argument(tokens), argument(tokens))
  if (name in ACCENTS) return element("mover", argument(tokens), element("mo", ACCENTS[name]))
  if (name === "mathbb") return element("mi", { E: "𝔼", R: "ℝ" }[words(tokens)] ?? "?")
  if (name === "mathrm" || name === "text") return element("mi", words(tokens))
  return element("mi", name)
}

/** What a command works on: a group, or the next sign; of several digits one. */
function argument(tokens) {
  if (/^\d\d/.test(tokens[0])) tokens.splice(0, 1, ...tokens[0])
  return atom(tokens) ?? element("mrow")
}

/** The letters of the group that follows. */
function words(tokens) {
  tokens.shift()
  let text = ""
  for (let next = tokens.shift(); next !== "}" && next !== undefined; next = tokens.shift()) text += next
  return text
}

/** What stands below or above, behind its sign. */
function script(tokens) {
  tokens.shift()
  return argument(tokens)
}

function scripted(base, tokens) {
  let [below, above] = [null, null]
  for (;;) {
    if (tokens[0] === "_") below = script(tokens)
    else if (tokens[0] === "^") above = above ? element("mrow", above, script(tokens)) : script(tokens)
    else if (tokens[0]?.startsWith("'")) above = element("mo", "′".repeat(tokens.shift().length))
    else break
  }
  const sum = base.textContent === "∑" || base.firstChild?.textContent === "min"
  if (below && above) return element(sum ? "munderover" : "msubsup", base, below, above)
  if (below) return element(sum ? "munder" : "msub", base, below)
  return above ? element("msup", base, above) : base
}

function plain(token) {
  if (/^\d/.test(token)) return element("mn", token)
  return element(/^[A-Za-z]$/.test(token) ? "mi" : "mo", token === "-" ? "−" : token)
}

function gap(width) {
  const space = element("mspace")
  space.setAttribute("width", width)
  return space
}

function element(name, ...inside) {
  const made = document.createElementNS(SPACE, name)
  made.append(...inside)
  return made
}
