/** How components reach the studio. */
import { createContext, useContext, useSyncExternalStore } from 'react';
import { Studio, type Snapshot } from './studio';

export const StudioContext = createContext(new Studio());

export const useStudio = (): Studio => useContext(StudioContext);

/** Part of the snapshot; the component is drawn anew when that part is another object. */
export function useSnapshot<T>(select: (snapshot: Snapshot) => T): T {
  const studio = useStudio();
  return useSyncExternalStore(studio.subscribe, () => select(studio.get()));
}
