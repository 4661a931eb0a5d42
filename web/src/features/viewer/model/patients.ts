// Whose studies lie in the rail. Pure; who is one patient is the server's word (an ID and its issuer, after corrections), never a likeness of names.
import type { Study } from '../../../api/types'

/** What is needed of a study in the rail. */
export interface Owned {
  readonly study: Study
  /** Of another patient than the study that was opened. */
  readonly foreign?: boolean
}

const idOf = ({ PatientID, IssuerOfPatientID }: Study): string => (PatientID ? `${PatientID}|${IssuerOfPatientID}` : '')

/**
 * Whether a study is of the patient of the one that was opened. Without an ID a study is a patient of its own, so doubt means another one.
 * @param priors the other studies of the patient of `other`, as the server lists them
 */
export const samePatient = (opened: Study, other: Study, priors: readonly Study[]): boolean =>
  opened.StudyInstanceUID === other.StudyInstanceUID || (idOf(opened) !== '' && idOf(opened) === idOf(other)) || priors.some((each) => each.StudyInstanceUID === opened.StudyInstanceUID)

/** By study: 1 for the patient of the study that was opened, then others in the order of the rail. */
export function patientNumbers(owned: readonly Owned[]): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>()
  const known = new Map<string, number>()
  for (const { study, foreign } of owned) {
    const key = idOf(study) || study.StudyInstanceUID
    if (foreign && !known.has(key)) known.set(key, known.size + 2)
    numbers.set(study.StudyInstanceUID, foreign ? (known.get(key) ?? 0) : 1)
  }
  return numbers
}

/** Studies of the patient that was opened: what protocols hang and what is compared never mixes patients. */
export const ofOnePatient = <T extends Owned>(owned: readonly T[]): T[] => owned.filter(({ foreign }) => !foreign)
