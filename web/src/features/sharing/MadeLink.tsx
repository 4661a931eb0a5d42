import { useState } from 'react'
import { qrCode } from '../../lib/qr'
import { Qr } from '../../ui/Qr'
import { Button } from '../../ui/controls'
import { Notice } from '../../ui/feedback'
import { Dialog } from '../../ui/overlay'
import { addressOf } from './words'

function Copied({ label, text, testid }: { label: string; text: string; testid: string }) {
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    await navigator.clipboard.writeText(text)
    setCopied(true)
  }
  return (
    <div className="share-secret">
      <span className="field-label">{label}</span>
      <div className="share-secret-line">
        <code data-testid={testid}>{text}</code>
        <Button small icon={copied ? 'check' : 'copy'} onClick={() => void copy().catch(() => setCopied(false))}>
          {copied ? 'Copied' : 'Copy'}
        </Button>
      </div>
    </div>
  )
}

/** A link that was just made, or its new code: the only time either can be seen. path: '' when there is only a code. */
export function MadeLink({ path, code, onClose }: { path: string; code: string; onClose: () => void }) {
  const address = path ? addressOf(path) : ''
  return (
    <Dialog
      title={address ? 'The link' : 'The new code'}
      stubborn
      onClose={onClose}
      footer={
        <Button look="primary" onClick={onClose}>
          Done
        </Button>
      }
    >
      <Notice tone="warn" title={`${address ? (code ? 'Link and code are' : 'The link is') : 'The code is'} shown this once.`}>
        {code ? 'Tell the code by another way than the link: on the telephone, not in the same mail.' : 'Whoever has it can open it. Send it to nobody else.'}
      </Notice>
      {address && <Copied label="Link" text={address} testid="share-link" />}
      {code && <Copied label="Code" text={code} testid="share-code" />}
      {address && <Qr rows={qrCode(address)} label="The link as a QR code" />}
    </Dialog>
  )
}
