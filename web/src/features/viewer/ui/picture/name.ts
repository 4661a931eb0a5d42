/** The panel of what is done to the picture. */
export const PICTURE = 'picture'
