/** The pilot flame, drawn by hand: favicon and mark of the pages. */

export const FLAME = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<path fill="#2f6fdb" d="M16 30c-6 0-10-4-10-9.5C6 15 10 12 16 2c6 10 10 13 10 18.5C26 26 22 30 16 30Z"/>
<path fill="#f59e2f" d="M16 28.5c-4.4 0-7.3-2.9-7.3-7 0-4.2 3-6.5 7.3-14 4.3 7.5 7.3 9.8 7.3 14 0 4.1-2.9 7-7.3 7Z"/>
<path fill="#fff3c4" d="M16 27.5c-2.5 0-4.2-1.7-4.2-4.3s1.8-4 4.2-8.2c2.4 4.2 4.2 5.6 4.2 8.2s-1.7 4.3-4.2 4.3Z"/>
</svg>
`
