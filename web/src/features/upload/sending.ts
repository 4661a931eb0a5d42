import { uploadFile } from '../../api/upload'
import { storeContent } from '../../dicomweb/store'
import type { Send } from './queue'

/** What is DICOM goes as it is, what becomes it with the metadata of its object. */
export const sendFile: Send = async (file, name, sending, wrapping) => {
  if (!wrapping) return uploadFile(file, name, sending)
  return [{ name, ...(await storeContent(file, wrapping.mediaType, wrapping.metadata, wrapping.study, sending)) }]
}
