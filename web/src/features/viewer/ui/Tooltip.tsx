import { useEffect, useState } from 'react'

interface Tip {
  readonly text: string
  readonly key: string
  readonly x: number
  readonly y: number
}

const PATIENCE = 350

/** One tooltip for everything below the viewer that has a data-tip; the key stands beside the words. */
export function Tooltip() {
  const [tip, setTip] = useState<Tip | null>(null)
  useEffect(() => {
    let timer = 0
    const hide = () => {
      window.clearTimeout(timer)
      setTip(null)
    }
    const over = (event: PointerEvent) => {
      const target = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-tip]') : null
      hide()
      if (!target || event.pointerType === 'touch') return
      timer = window.setTimeout(() => {
        const box = target.getBoundingClientRect()
        const beside = target.classList.contains('rail-item')
        setTip({ text: target.dataset.tip ?? '', key: target.dataset.key ?? '', x: beside ? box.right + 8 : box.left + box.width / 2, y: beside ? box.top + 8 : box.bottom + 8 })
      }, PATIENCE)
    }
    document.addEventListener('pointerover', over)
    document.addEventListener('pointerdown', hide)
    document.addEventListener('keydown', hide)
    return () => {
      window.clearTimeout(timer)
      document.removeEventListener('pointerover', over)
      document.removeEventListener('pointerdown', hide)
      document.removeEventListener('keydown', hide)
    }
  }, [])
  if (!tip) return null
  return (
    <div className="viewer-tip" role="tooltip" style={{ left: Math.max(60, Math.min(tip.x, window.innerWidth - 120)), top: tip.y }}>
      {tip.text}
      {tip.key && <kbd>{tip.key}</kbd>}
    </div>
  )
}
