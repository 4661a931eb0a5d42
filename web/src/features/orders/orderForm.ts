import type { Order, OrderFacts, OrderSearch, StepFacts } from '../../api/orders'
import { daysBefore, toDa } from '../../lib/dates'
import { toPersonName } from '../../lib/names'

export const PRIORITIES = ['', 'STAT', 'HIGH', 'ROUTINE', 'MEDIUM', 'LOW'] as const // PS3.3 C.4.11, Requested Procedure Priority
export const SEXES = [
  ['', 'Not known'],
  ['F', 'Female'],
  ['M', 'Male'],
  ['O', 'Other'],
] as const

/** Attributes of an order that people edit here. */
export const ORDER_FIELDS = ['PatientName', 'PatientID', 'PatientBirthDate', 'PatientSex', 'AccessionNumber', 'ReferringPhysicianName', 'RequestedProcedureDescription', 'RequestedProcedurePriority'] as const

export const STEP_FIELDS = ['Modality', 'ScheduledProcedureStepStartDate', 'ScheduledProcedureStepStartTime', 'ScheduledProcedureStepDescription', 'ScheduledPerformingPhysicianName', 'ScheduledProcedureStepLocation'] as const

/** A step as it is typed; without an ID it is new. */
export interface TypedStep extends Omit<StepFacts, 'ScheduledStationAETitle'> {
  key: number
  id: string
  /** AE titles with commas between. */
  station: string
}

export interface TypedOrder {
  facts: OrderFacts
  steps: TypedStep[]
}

/** The alphabetic group of a PN as it is typed. */
export function fromPersonName(name: string): string {
  return name.includes('=') ? name : name.replace('^', ', ')
}

/** <input type=time>, and back. */
export const toTimeInput = (tm: string) => (/^\d{4}/.test(tm) ? `${tm.slice(0, 2)}:${tm.slice(2, 4)}` : '')
export const fromTimeInput = (text: string) => text.replaceAll(':', '').padEnd(text ? 6 : 0, '0')

export function newStep(key: number, now: Date): TypedStep {
  return {
    key,
    id: '',
    station: '',
    Modality: 'CT',
    ScheduledProcedureStepStartDate: toDa(now),
    ScheduledProcedureStepStartTime: `${String(now.getHours()).padStart(2, '0')}${String(now.getMinutes()).padStart(2, '0')}00`,
    ScheduledProcedureStepDescription: '',
    ScheduledPerformingPhysicianName: '',
    ScheduledProcedureStepLocation: '',
  }
}

export function newOrder(now: Date): TypedOrder {
  const facts = Object.fromEntries(ORDER_FIELDS.map((name) => [name, ''])) as unknown as OrderFacts
  return { facts, steps: [newStep(0, now)] }
}

export function typedOf(order: Order): TypedOrder {
  const facts = Object.fromEntries(ORDER_FIELDS.map((name) => [name, order[name]])) as unknown as OrderFacts
  const steps = order.steps.map((step, key) => ({
    ...(Object.fromEntries(STEP_FIELDS.map((name) => [name, step[name]])) as unknown as StepFacts),
    key,
    id: step.ScheduledProcedureStepID,
    station: step.ScheduledStationAETitle.join(', '),
  }))
  return { facts: { ...facts, PatientName: fromPersonName(facts.PatientName), ReferringPhysicianName: fromPersonName(facts.ReferringPhysicianName) }, steps }
}

/** As /api/v1/orders takes it; what was left empty in a new order is made by the server or stays out. */
export function toBody({ facts, steps }: TypedOrder, isNew: boolean) {
  const kept = <T extends object>(values: T) => (isNew ? (Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '')) as Partial<T>) : values)
  return {
    ...kept({ ...facts, PatientName: toPersonName(facts.PatientName), ReferringPhysicianName: toPersonName(facts.ReferringPhysicianName) }),
    steps: steps.map((typed) => {
      const { id, station } = typed
      const step = Object.fromEntries(STEP_FIELDS.map((name) => [name, typed[name]])) as unknown as Omit<StepFacts, 'ScheduledStationAETitle'>
      const titles = station.split(',').map((title) => title.trim()).filter(Boolean)
      const told = { ...step, ScheduledPerformingPhysicianName: toPersonName(step.ScheduledPerformingPhysicianName), ScheduledStationAETitle: titles }
      return { ...kept(told), ...(id ? { ScheduledProcedureStepID: id } : {}) }
    }),
  }
}

export function isReady({ facts, steps }: TypedOrder): boolean {
  const step = (each: TypedStep) => Boolean(each.Modality && each.station.trim() && each.ScheduledProcedureStepStartDate && each.ScheduledProcedureStepStartTime)
  return facts.PatientName.trim() !== '' && facts.PatientID.trim() !== '' && steps.every(step)
}

export interface OrderFilter {
  q: string
  date: '' | 'today' | 'tomorrow' | '7d'
  state: string
  modality: string
}

export function toSearch(filter: OrderFilter, today: Date): OrderSearch {
  const on = { '': '', today: toDa(today), tomorrow: toDa(daysBefore(today, -1)), '7d': `${toDa(today)}-${toDa(daysBefore(today, -6))}` }
  return { q: filter.q.trim(), state: filter.state, Modality: filter.modality, date: on[filter.date] }
}
