// Whether small pictures come first, as kept with the account.
import { prefer, preferences } from '../../../api/preferences'
import { useValue } from '../../../lib/observable'
import { PACES, type Pace } from '../model/link'

const PART = 'loading'

export function paceNow(): Pace {
  const kept = preferences.get()[PART]
  const pace = typeof kept === 'object' && kept !== null && 'smallFirst' in kept ? kept.smallFirst : undefined
  return PACES.find((each) => each === pace) ?? 'automatic'
}

export function usePace(): Pace {
  useValue(preferences)
  return paceNow()
}

export const keepPace = (pace: Pace): Promise<void> => prefer(PART, { smallFirst: pace })
