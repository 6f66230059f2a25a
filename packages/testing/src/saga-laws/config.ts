/** `SAGA_LAWS=all`: every law in every scene, as `npm run saga-laws` wants it. */
export const lawSettings = (): { readonly all: boolean } => ({ all: process.env['SAGA_LAWS'] === 'all' })
