import { useState } from 'react'
import type { Route } from '../../api/routing'
import { changeRoute, listRoutes, removeRoute } from '../../api/routing'
import { useAction } from '../../lib/useAction'
import { useLoaded } from '../../lib/useLoaded'
import { Badge, Button } from '../../ui/controls'
import { Empty } from '../../ui/feedback'
import { FormDialog } from '../../ui/FormDialog'
import { Icon } from '../../ui/icons'
import { type Column, ManagedList } from '../../ui/ManagedList'
import { Menu } from '../../ui/overlay'
import { RouteDialog } from './RouteDialog'
import { ruleWords } from './ruleWords'

function RemoveDialog({ route, onClose, onRemoved }: { route: Route; onClose: () => void; onRemoved: () => void }) {
  const action = useAction()
  const remove = async () => {
    await removeRoute(route.id)
    onRemoved()
  }
  return (
    <FormDialog title={`Forget the rule ${route.name}?`} submit="Forget it" danger cancel="Keep it" action={action} run={remove} onClose={onClose}>
      <p>Deliveries that it has begun go on. It can also be switched off, and kept.</p>
    </FormDialog>
  )
}

const COLUMNS: readonly Column<Route>[] = [
  { title: 'Rule', cell: (route) => <strong>{route.name}</strong> },
  { title: 'What is sent', cell: (route) => <span className="rule-words">{ruleWords(route)}</span> },
  {
    title: 'Where to',
    cell: (route) => (
      <span className="badges">
        {route.destinations.map((name) => (
          <Badge key={name} tone="accent">
            {name}
          </Badge>
        ))}
      </span>
    ),
  },
  { title: 'State', cell: (route) => (route.enabled ? <Badge tone="ok">on</Badge> : <Badge>off</Badge>) },
]

/** The rules that send what comes in on to others by themselves. */
export function Routes() {
  const routes = useLoaded(listRoutes)
  const [open, setOpen] = useState<{ kind: 'add' } | { kind: 'edit' | 'remove'; route: Route } | null>(null)
  const action = useAction()
  const close = () => setOpen(null)
  const done = () => {
    close()
    routes.reload()
  }
  const toggle = (route: Route) =>
    action.run(async () => {
      await changeRoute(route.id, { enabled: !route.enabled })
      routes.reload()
    })
  return (
    <ManagedList
      lead="Rules send on what comes in. Each can be tried on studies that are here before it is switched on; switching it on changes nothing for what has come before."
      loaded={routes}
      columns={COLUMNS}
      keyOf={(route) => route.id}
      rowClass={(route) => (route.enabled ? undefined : 'is-off')}
      actions={(route) => (
        <div className="row-actions">
          <Button small disabled={action.busy} aria-label={`Switch ${route.name} ${route.enabled ? 'off' : 'on'}`} onClick={() => toggle(route)}>
            {route.enabled ? 'Switch off' : 'Switch on'}
          </Button>
          <Menu
            button={(shown, toggleMenu) => (
              <button type="button" className="button button-quiet button-small" aria-haspopup="true" aria-expanded={shown} aria-label={`Actions for ${route.name}`} onClick={toggleMenu}>
                Actions <Icon name="chevronDown" size={12} />
              </button>
            )}
          >
            <button type="button" className="menu-item" onClick={() => setOpen({ kind: 'edit', route })}>
              Edit and try
            </button>
            <button type="button" className="menu-item" onClick={() => setOpen({ kind: 'remove', route })}>
              Forget
            </button>
          </Menu>
        </div>
      )}
      add="Add a rule"
      onAdd={() => setOpen({ kind: 'add' })}
      failure={action.failure}
      empty={
        <Empty icon="send" title="No routing rules">
          A rule sends studies to workstations, other archives or folders as they come in: all of them, or by sender, modality, description or any other attribute.
        </Empty>
      }
    >
      {open?.kind === 'add' && <RouteDialog onClose={close} onSaved={done} />}
      {open?.kind === 'edit' && <RouteDialog route={open.route} onClose={close} onSaved={done} />}
      {open?.kind === 'remove' && <RemoveDialog route={open.route} onClose={close} onRemoved={done} />}
    </ManagedList>
  )
}
