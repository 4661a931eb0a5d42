import { cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import { addProject, changeProject, type Project, readProjects } from '../../api/projects'
import { lineOf, ruleOf } from './ProjectDialog'
import { Projects } from './Projects'

vi.mock('../../api/projects')
HTMLDialogElement.prototype.showModal = function () { this.open = true } // jsdom has neither
HTMLDialogElement.prototype.close = function () { this.open = false }
afterEach(cleanup)

const value = { options: ['full_dates'], prefix: 'T-', private: [], words: [], devices: [], burned_in: 'refuse' as const, destinations: ['RESEARCH'] }
const project: Project = { name: 'TRIAL', description: 'a trial', project: value, options: ['full_dates'], closed: false, changed_at: '2026-11-22T10:00:00Z' }
const options = [
  { name: 'full_dates', code: '113106', title: 'Retain Full Dates Option', words: 'dates stay' },
  { name: 'modified_dates', code: '113107', title: 'Retain Modified Dates Option', words: 'dates are moved' },
]

it('reads a rule from a line and writes it back', () => {
  const rule = ruleOf('Manufacturer=GE ManufacturerModelName="LOGIQ E9" Rows=768 : 0,0,1024,60 10,20,30,40')
  expect(rule).toEqual({ Manufacturer: 'GE', ManufacturerModelName: 'LOGIQ E9', Rows: '768', rectangles: [[0, 0, 1024, 60], [10, 20, 30, 40]] })
  expect(ruleOf(lineOf(rule ?? {}))).toEqual(rule)
  expect(ruleOf('Modality=US :')).toEqual({ Modality: 'US', rectangles: [] })
  for (const none of ['Modality=US', ': 0,0,1,1', 'Modality=US : 0,0,1', 'Modality=US : a,b,c,d']) expect(ruleOf(none)).toBeNull()
})

it('begins a project; dates are kept in one way only', async () => {
  vi.mocked(readProjects).mockResolvedValue({ projects: [], options })
  vi.mocked(addProject).mockResolvedValue(project)
  render(<Projects />)
  fireEvent.click(await screen.findByRole('button', { name: 'Begin a project' }))
  fireEvent.change(screen.getByLabelText('Name'), { target: { value: 'TRIAL' } })
  fireEvent.click(await screen.findByLabelText(/Retain Full Dates/))
  fireEvent.click(screen.getByLabelText(/Retain Modified Dates/))
  fireEvent.change(screen.getByLabelText('Rules for devices'), { target: { value: 'Modality=US' } })
  expect(screen.getByText('This line is no rule: Modality=US')).toBeTruthy()
  fireEvent.change(screen.getByLabelText('Rules for devices'), { target: { value: 'Modality=US : 0,0,640,40' } })
  fireEvent.change(screen.getByLabelText('Destinations'), { target: { value: 'RESEARCH, ' } })
  fireEvent.click(screen.getByRole('button', { name: 'Begin project' }))
  await vi.waitFor(() => expect(addProject).toHaveBeenCalled())
  const devices = [{ Modality: 'US', rectangles: [[0, 0, 640, 40]] }]
  expect(vi.mocked(addProject).mock.calls[0]).toEqual(['TRIAL', '', { ...value, prefix: '', options: ['modified_dates'], devices }])
})

it('closes one', async () => {
  vi.mocked(readProjects).mockResolvedValue({ projects: [project], options })
  vi.mocked(changeProject).mockResolvedValue({ ...project, closed: true })
  render(<Projects />)
  fireEvent.click(await screen.findByRole('button', { name: 'Close' }))
  await vi.waitFor(() => expect(changeProject).toHaveBeenCalledWith('TRIAL', { closed: true }))
})
