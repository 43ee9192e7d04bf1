// What eslint recommends, for the scripts of assets/ and for their tests, and two rules of this house.
import js from "@eslint/js"
import globals from "globals"
import declaredFields from "./declared_fields.js"

const STATE = "What changes and is shared stands in page.js."

export default [
  { ignores: ["**/node_modules/", "assets/recorded/", "assets/judge/"] },
  js.configs.recommended,
  { rules: { "no-unused-vars": ["error", { argsIgnorePattern: "^_" }] } },
  {
    rules: {
      "max-len": ["error", { code: 160 }],
      "max-lines": ["error", 300],
      "max-lines-per-function": ["error", 60],
    },
  },
  { files: ["assets/**/*.js"], languageOptions: { globals: globals.browser } },
  {
    files: ["assets/**/*.js"],
    ignores: ["assets/page.js"],
    plugins: { house: { rules: { "declared-fields": declaredFields } } },
    rules: {
      "house/declared-fields": "error",
      "no-unused-expressions": "error",
      "no-sequences": "error",
      "no-restricted-syntax": [
        "error",
        { selector: "Program > VariableDeclaration[kind='let']", message: STATE },
        { selector: "Program > VariableDeclaration NewExpression[callee.name=/^(Weak)?(Map|Set)$/][arguments.length=0]", message: STATE },
      ],
    },
  },
  { files: ["tests/js/**/*.js"], languageOptions: { globals: { ...globals.node, document: false } } },
]
