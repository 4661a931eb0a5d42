import type { ButtonHTMLAttributes, InputHTMLAttributes, ReactNode, Ref, SelectHTMLAttributes } from 'react'
import { useId } from 'react'
import { Icon, type IconName } from './icons'

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: 'plain' | 'primary' | 'quiet' | 'danger'
  small?: boolean
  icon?: IconName
  ref?: Ref<HTMLButtonElement>
}

function classes(...names: (string | false | undefined)[]): string {
  return names.filter(Boolean).join(' ')
}

export function Button({ look = 'plain', small, icon, className, children, type = 'button', ...rest }: ButtonProps) {
  return (
    <button type={type} className={classes('button', look !== 'plain' && `button-${look}`, small && 'button-small', className)} {...rest}>
      {icon && <Icon name={icon} />}
      {children}
    </button>
  )
}

/** A button that shows only an icon; the label is for ears and the tooltip. */
export function IconButton({ label, icon, look = 'quiet', small, className, type = 'button', ...rest }: ButtonProps & { label: string; icon: IconName }) {
  return (
    <button type={type} aria-label={label} title={label} className={classes('button button-icon', `button-${look}`, small && 'button-small', className)} {...rest}>
      <Icon name={icon} />
    </button>
  )
}

interface FieldProps {
  label: string
  hint?: ReactNode
  error?: string | undefined
}

export function TextField({ label, hint, error, ...rest }: FieldProps & InputHTMLAttributes<HTMLInputElement> & { ref?: Ref<HTMLInputElement> }) {
  const id = useId()
  const note = error ?? hint
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}
      </label>
      <input id={id} className="input" aria-invalid={error ? true : undefined} aria-describedby={note ? `${id}-note` : undefined} {...rest} />
      {note && (
        <span id={`${id}-note`} className={error ? 'field-error' : 'field-hint'}>
          {note}
        </span>
      )}
    </div>
  )
}

export function SelectField({ label, hint, error, children, ...rest }: FieldProps & SelectHTMLAttributes<HTMLSelectElement>) {
  const id = useId()
  const note = error ?? hint
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}
      </label>
      <select id={id} className="input" aria-invalid={error ? true : undefined} aria-describedby={note ? `${id}-note` : undefined} {...rest}>
        {children}
      </select>
      {note && (
        <span id={`${id}-note`} className={error ? 'field-error' : 'field-hint'}>
          {note}
        </span>
      )}
    </div>
  )
}

export function CheckField({ label, hint, checked, onChange }: { label: string; hint?: ReactNode; checked: boolean; onChange: (checked: boolean) => void }) {
  const id = useId()
  return (
    <label className="check">
      <input type="checkbox" checked={checked} aria-describedby={hint ? `${id}-note` : undefined} onChange={(event) => onChange(event.target.checked)} />
      <span>{label}</span>
      {hint && (
        <span id={`${id}-note`} className="field-hint">
          {hint}
        </span>
      )}
    </label>
  )
}

export function Kbd({ children }: { children: ReactNode }) {
  return <kbd className="kbd">{children}</kbd>
}

export type Tone = 'plain' | 'ok' | 'warn' | 'danger' | 'info' | 'accent'

export function Badge({ tone = 'plain', children, title }: { tone?: Tone; children: ReactNode; title?: string }) {
  return (
    <span className={classes('badge', tone !== 'plain' && `tone-${tone}`)} title={title}>
      {children}
    </span>
  )
}

const MODALITY_FAMILY: Record<string, string> = {
  CT: 'ct',
  MR: 'mr',
  US: 'us',
  IVUS: 'us',
  CR: 'xr',
  DX: 'xr',
  PX: 'xr',
  IO: 'xr',
  XA: 'xa',
  RF: 'xa',
  MG: 'mg',
  NM: 'nm',
  PT: 'nm',
}

/** A modality code (PS3.3 C.7.3.1.1.1), tinted by family so that a column can be read at a glance. */
export function Modality({ code }: { code: string }) {
  return <span className={classes('badge', MODALITY_FAMILY[code] && `modality-${MODALITY_FAMILY[code]}`)}>{code || '–'}</span>
}

/** Modalities of objects that go with images but are none. */
const COMPANIONS = new Set(['SR', 'KO', 'PR', 'SEG', 'REG', 'DOC', 'OT', 'FID', 'AU', 'PLAN', 'RTSTRUCT', 'RTPLAN', 'RTDOSE', 'RTRECORD'])

export function Modalities({ codes }: { codes: readonly string[] }) {
  const ordered = codes.toSorted((a, b) => Number(COMPANIONS.has(a)) - Number(COMPANIONS.has(b)))
  const shown = ordered.length > 3 ? ordered.slice(0, 2) : ordered
  return (
    <span className="modalities" title={codes.join(', ')}>
      {shown.map((code) => (
        <Modality key={code} code={code} />
      ))}
      {shown.length < codes.length && <span className="faint">+{codes.length - shown.length}</span>}
    </span>
  )
}

export function Progress({ value, label, failed }: { value: number; label: string; failed?: boolean }) {
  const percent = Math.round(Math.min(1, Math.max(0, value)) * 100)
  return (
    <div className="progress" role="progressbar" aria-label={label} aria-valuenow={percent} aria-valuemin={0} aria-valuemax={100}>
      <div className={classes('progress-bar', failed && 'progress-danger')} style={{ width: `${percent}%` }} />
    </div>
  )
}

export function Spinner({ label }: { label: string }) {
  return <span className="spinner" role="status" aria-label={label} />
}

export function Skeleton({ width }: { width: number | string }) {
  return <span className="skeleton" style={{ width }} aria-hidden="true" />
}
