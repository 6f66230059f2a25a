/** The service account that the simulated credentials are of. */
export const operatorOf = (project: string): string => `understudy@${project}.iam.gserviceaccount.com`
