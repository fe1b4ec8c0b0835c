import { useCallback, useRef, useState } from 'preact/hooks';

/** The width of an element in pixels, so that what is drawn in it is not stretched. */
export function useWidth<T extends Element>(first: number): [(element: T | null) => void, number] {
  const [width, setWidth] = useState(first);
  const observer = useRef<ResizeObserver | undefined>(undefined);
  // Called again whenever the element itself is another one.
  const hold = useCallback((element: T | null) => {
    observer.current?.disconnect();
    if (element === null) return;
    const measure = () => setWidth(Math.max(40, element.getBoundingClientRect().width));
    observer.current = new ResizeObserver(measure);
    observer.current.observe(element);
    measure();
  }, []);
  return [hold, width];
}
