import { describe, expect, it } from 'vitest'
import { fromPersonName, fromTimeInput, isReady, newOrder, toBody, toSearch, toTimeInput, typedOf } from './orderForm'
import { toPersonName } from '../../lib/names'
import type { Order } from '../../api/orders'

const NOW = new Date(2026, 10, 22, 8, 5)

describe('the form of an order', () => {
  it('takes names as people type them', () => {
    expect([toPersonName('Müller, Anna Maria'), toPersonName('Müller^Anna^^Dr.'), toPersonName(' Cher ')]).toEqual(['Müller^Anna Maria', 'Müller^Anna^^Dr.', 'Cher'])
    expect(fromPersonName('Yamada^Tarou=山田^太郎')).toBe('Yamada^Tarou=山田^太郎')
    expect(toPersonName(fromPersonName('Müller^Anna'))).toBe('Müller^Anna')
  })

  it('sends a new order without what was left empty', () => {
    const typed = newOrder(NOW)
    expect(isReady(typed)).toBe(false)
    typed.facts.PatientName = 'Müller, Anna'
    typed.facts.PatientID = 'P1'
    typed.steps[0]!.station = 'CT1, CT2'
    expect(isReady(typed)).toBe(true)
    expect(toBody(typed, true)).toEqual({
      PatientName: 'Müller^Anna',
      PatientID: 'P1',
      steps: [{ Modality: 'CT', ScheduledStationAETitle: ['CT1', 'CT2'], ScheduledProcedureStepStartDate: '20261122', ScheduledProcedureStepStartTime: '080500' }],
    })
  })

  it('names the steps that are there, so that they are changed and not added', () => {
    const step = {
      ...newOrder(NOW).steps[0]!, state: 'scheduled', ScheduledProcedureStepID: 'S7', ScheduledStationAETitle: ['CT1'], performed: [],
    }
    const order = { ...newOrder(NOW).facts, id: 3, steps: [step] } as unknown as Order
    const body = toBody(typedOf(order), false)
    expect(body.steps[0]).toMatchObject({ ScheduledProcedureStepID: 'S7', ScheduledStationAETitle: ['CT1'], ScheduledProcedureStepDescription: '' })
    expect(body).toMatchObject({ AccessionNumber: '' })
  })

  it('knows times and days', () => {
    expect([toTimeInput('081530.123'), fromTimeInput('08:15'), fromTimeInput('')]).toEqual(['08:15', '081500', ''])
    expect(toSearch({ q: ' m ', date: '7d', state: 'scheduled', modality: '' }, NOW)).toEqual({ q: 'm', state: 'scheduled', Modality: '', date: '20261122-20261128' })
    expect(toSearch({ q: '', date: 'tomorrow', state: '', modality: 'CT' }, NOW).date).toBe('20261123')
  })
})
