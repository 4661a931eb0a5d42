import { navigate } from '../../lib/router'
import { Destinations } from './Destinations'
import { Queue } from './Queue'
import { Routes } from './Routes'
import './deliveries.css'

const TABS = [
  { id: 'queue', title: 'Queue', managers: false },
  { id: 'destinations', title: 'Destinations', managers: false },
  { id: 'rules', title: 'Routing rules', managers: true },
] as const

/** @param canManage may change destinations and rules */
export function DeliveriesPage({ tab, canManage }: { tab: string; canManage: boolean }) {
  const tabs = TABS.filter(({ managers }) => canManage || !managers)
  const current = tabs.find(({ id }) => id === tab) ?? TABS[0]
  return (
    <div className="page">
      <div className="page-inner page-wide">
        <h1>Deliveries</h1>
        <div className="tabs" role="tablist" aria-label="Deliveries">
          {tabs.map(({ id, title }) => (
            <button key={id} id={`tab-${id}`} type="button" role="tab" className="tab" aria-selected={id === current.id} aria-controls="deliveries-panel" onClick={() => navigate(`/deliveries/${id}`)}>
              {title}
            </button>
          ))}
        </div>
        <div id="deliveries-panel" role="tabpanel" aria-labelledby={`tab-${current.id}`} className="deliveries-panel">
          {current.id === 'queue' && <Queue />}
          {current.id === 'destinations' && <Destinations canManage={canManage} />}
          {current.id === 'rules' && <Routes />}
        </div>
      </div>
    </div>
  )
}
