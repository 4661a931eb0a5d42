import { describe, expect, it } from 'vitest'
import { NEW_RULE, listed, ready, ruleWords } from './ruleWords'

describe('a routing rule in words', () => {
  it('says all that must hold', () => {
    const conditions = [
      { attribute: 'Modality', values: ['CT', 'MR'], excludes: false },
      { attribute: 'PatientComments', values: [''], excludes: true },
    ]
    const rule = { ...NEW_RULE, senders: ['CT1', 'MR *'], called: ['ISOCENTER'], conditions, hours: '22:00-06:00' }
    expect(ruleWords(rule)).toBe('from CT1 or MR *, sent to ISOCENTER, Modality is CT or MR, PatientComments is not nothing, 22:00-06:00')
    expect(ruleWords(NEW_RULE)).toBe('everything that comes in')
  })

  it('leaves out what was begun and not filled in', () => {
    const begun = { attribute: 'Modality', values: [], excludes: false }
    const whole = { attribute: 'Modality', values: ['CT'], excludes: false }
    expect(ready({ ...NEW_RULE, name: ' night ', conditions: [begun, whole] })).toEqual({ ...NEW_RULE, name: 'night', conditions: [whole] })
  })

  it('takes a list as people type it', () => {
    expect(listed(' CT 1, ,MR* ,')).toEqual(['CT 1', 'MR*'])
  })
})
