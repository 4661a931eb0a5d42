import js from '@eslint/js'
import reactHooks from 'eslint-plugin-react-hooks'
import globals from 'globals'
import tseslint from 'typescript-eslint'
import arrows from './eslint/arrows.js'

export default tseslint.config(
  { ignores: ['node_modules', 'dist', 'test-results', 'playwright-report'] },
  js.configs.recommended,
  {
    files: ['src/**/*.{ts,tsx}', 'e2e/**/*.ts', '*.config.ts'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: { globals: globals.browser, parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-misused-promises': ['error', { checksVoidReturn: { attributes: false } }],
      'max-lines': ['error', { max: 600, skipBlankLines: true }],
      'no-restricted-globals': ['error', 'event', 'name', 'alert', 'confirm', 'prompt'],
      eqeqeq: 'error',
    },
  },
  {
    files: ['src/**/*.{ts,tsx}'],
    plugins: { arrows, 'react-hooks': reactHooks },
    rules: {
      ...reactHooks.configs.recommended.rules,
      'arrows/direction': 'error',
      'no-console': 'error', // what people must know is shown to them; consoles leak patient data into screenshots and logs
    },
  },
  {
    files: ['**/*.test.{ts,tsx}', 'e2e/**/*.ts'],
    rules: { '@typescript-eslint/no-non-null-assertion': 'off', '@typescript-eslint/unbound-method': 'off' },
  },
  { files: ['eslint/**/*.js', 'eslint.config.js'], languageOptions: { globals: globals.node } },
)
