import * as effect from "@effect/eslint-plugin"
import { defineConfig, globalIgnores } from "eslint/config"
import tseslint from "typescript-eslint"

const clock = "Time comes from Clock and Schedule."
const barrel = "Import the module itself, as in `import * as Duration from \"effect/Duration\"`."

export default defineConfig(
  globalIgnores(["coverage/", "dist/", "docs/", "test/bench/built/"]),
  effect.configs.dprint,
  {
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      "object-shorthand": "error",
      "@effect/dprint": ["error", {
        config: {
          indentWidth: 2,
          lineWidth: 120,
          semiColons: "asi",
          quoteStyle: "alwaysDouble",
          trailingCommas: "never",
          operatorPosition: "maintain",
          "arrowFunction.useParentheses": "force"
        }
      }]
    }
  },
  {
    files: ["**/*.ts", "**/*.tsx"],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      "@typescript-eslint/array-type": ["error", { default: "generic", readonly: "generic" }],
      "@typescript-eslint/await-thenable": "error",
      "@typescript-eslint/consistent-type-exports": "error",
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-import-type-side-effects": "error",
      "@typescript-eslint/no-misused-promises": "error",
      "@typescript-eslint/no-unnecessary-type-assertion": "error",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      // Effect's own style: an interface that only names a type, `any` where variance needs it, and a namespace of
      // types beside the class of its name.
      "@typescript-eslint/no-empty-object-type": "off",
      "@typescript-eslint/no-explicit-any": "off",
      "@typescript-eslint/no-namespace": "off"
    }
  },
  {
    files: ["src/**/*.ts"],
    // the page runs in a browser and without Effect, so that it may use `throw`, `try` and `async`
    ignores: ["src/page/**"],
    rules: {
      "@typescript-eslint/no-deprecated": "error",
      "no-console": "error",
      "no-restricted-globals": [
        "error",
        { name: "setTimeout", message: clock },
        { name: "setInterval", message: clock }
      ],
      "no-restricted-properties": [
        "error",
        { object: "Date", property: "now", message: clock },
        { object: "Math", property: "random", message: "Take it from the Random service." }
      ],
      "no-restricted-imports": ["error", {
        paths: ["effect", "@effect/platform", "@effect/platform-node", "@effect/sql"]
          .map((name) => ({ name, message: barrel }))
      }],
      "no-restricted-syntax": [
        "error",
        { selector: "ThrowStatement", message: "Fail with a typed error instead of `throw`." },
        { selector: "TryStatement", message: "Use Effect.try, or a combinator of Effect, instead of `try`." },
        { selector: ":function[async=true]", message: "Write an Effect instead of an `async` function." },
        {
          // what is written without its type: all but functions that name their result, literals, and `as const`
          selector: "ExportNamedDeclaration > VariableDeclaration > :not([id.typeAnnotation])" +
            ":not([init.returnType], [init.type='Literal'], [init.typeAnnotation.typeName.name='const'])",
          message: "Write the full type of an exported const."
        },
        {
          selector: "ImportDeclaration[source.value=/^[.]/]:not([source.value=/[.]js$/])",
          message: "A relative import ends in `.js`."
        }
      ]
    }
  }
)
