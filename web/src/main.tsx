import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { beginTheme } from './api/theme'
import { App } from './app/App'
import './ui/index.css'

const root = document.getElementById('root')
if (!root) throw new Error('index.html has lost its root element')
beginTheme()
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
