// The house rule of docs/architecture.md, held by the linter: imports go down only, features never import each other,
// and Cornerstone is known to one folder.
//
//   app > features > dicomweb | api > ui | lib
import path from 'node:path'

const FLOORS = { app: 0, features: 1, dicomweb: 2, api: 2, ui: 3, lib: 3 }

function home(file) {
  const parts = file.split(path.sep)
  const at = parts.lastIndexOf('src')
  if (at < 0) return null
  const room = parts[at + 1]
  if (!(room in FLOORS)) return { room: 'app', floor: 0, feature: null }
  return { room, floor: FLOORS[room], feature: room === 'features' ? parts[at + 2] : null }
}

function fault(from, file, target) {
  if (target.startsWith('@cornerstonejs/')) {
    const engine = path.join('features', 'viewer', 'engine') + path.sep
    return file.includes(engine) ? null : 'only features/viewer/engine imports Cornerstone'
  }
  if (!target.startsWith('.')) return null
  const to = home(path.resolve(path.dirname(file), target))
  if (!to || (to.room === from.room && to.feature === from.feature)) return null
  if (to.floor < from.floor) return `${from.room} is below ${to.room}: imports go down only`
  if (to.room === 'features' && from.room === 'features') return `features/${from.feature} may not import features/${to.feature}`
  if (to.floor === from.floor) return `${from.room} and ${to.room} are siblings: neither imports the other`
  return null
}

const direction = {
  meta: { type: 'problem', schema: [], messages: { up: '{{reason}} ({{target}})' } },
  create(context) {
    const from = home(context.filename)
    if (!from) return {}
    const check = (node) => {
      const target = node.source?.value
      if (typeof target !== 'string') return
      const reason = fault(from, context.filename, target)
      if (reason) context.report({ node: node.source, messageId: 'up', data: { reason, target } })
    }
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    }
  },
}

export default { rules: { direction } }
