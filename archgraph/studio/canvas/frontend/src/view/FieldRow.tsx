/** One field of a form, made from what the catalogue says of it. */
import { useEffect, useId, useState, type KeyboardEvent } from 'react';
import type { Field } from '../graph/catalogue';
import { changed, complaint, controlOf, isFormula, named, read, shown, type Control } from '../graph/form';
import { same, type Json } from '../graph/json';
import { title } from '../graph/words';
import { useSnapshot } from './context';
import { Icon } from './icons';

interface Props {
  readonly field: Field;
  /** What the record says; undefined: nothing, the default holds. */
  readonly value: Json | undefined;
  /** Whether several nodes are edited that differ here. */
  readonly mixed?: boolean;
  /** What an expression comes to. */
  readonly computed?: string;
  /** What Python says is wrong with it. */
  readonly error?: string;
  readonly marked?: boolean;
  readonly disabled?: boolean;
  readonly onChange: (value: Json | undefined) => void;
  readonly onRemove?: () => void;
}

interface ControlProps extends Props {
  readonly control: Control;
  readonly id: string;
  readonly describedBy: string;
}

function Written({ field, value, mixed = false, control, id, describedBy, disabled, error, onChange, onComplaint }: ControlProps & { onComplaint: (text: string | undefined) => void }) {
  const kinds = useSnapshot((state) => state.session.catalogue.kinds);
  const [draft, setDraft] = useState<string | undefined>(undefined);
  const outside = mixed ? '' : shown(value);
  useEffect(() => { setDraft((typed) => (typed !== undefined && same(read(typed, field, kinds), value) ? typed : undefined)); }, [value, field, kinds]);
  const write = (text: string) => {
    setDraft(text);
    const next = read(text, field, kinds);
    const wrong = complaint(next, field, kinds);
    onComplaint(wrong);
    if (wrong === undefined && !same(next, value)) onChange(next);
  };
  const step = (by: number) => {
    const now = Number(draft ?? (outside || shown(field.fallback)));
    if (Number.isFinite(now)) write(String(Number((now + by).toPrecision(12))));
  };
  const stepped = control.type === 'number' && control.step === 1 && !isFormula(value);
  const onKeyDown = (event: KeyboardEvent) => {
    if (!stepped || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return;
    event.preventDefault();
    step(event.key === 'ArrowUp' ? 1 : -1);
  };
  const suggestions = control.type === 'text' ? control.suggestions : [];
  return (
    <span className="written">
      <input id={id} type="text" value={draft ?? outside} disabled={disabled} placeholder={mixed ? 'several values' : named(field.fallback) || (field.required ? 'needed' : '')} spellCheck={false} autoComplete="off"
        inputMode={control.type === 'number' ? 'decimal' : 'text'} aria-describedby={describedBy} aria-invalid={error !== undefined} list={suggestions.length ? `${id}-list` : undefined}
        onChange={(event) => write(event.target.value)} onKeyDown={onKeyDown}
        onBlur={() => { setDraft(undefined); onComplaint(undefined); }} />
      {suggestions.length > 0 && <datalist id={`${id}-list`}>{suggestions.map((one) => <option key={one} value={one} />)}</datalist>}
      {stepped && !disabled && (
        <span className="steppers">
          <button tabIndex={-1} aria-label={`Less ${title(field.name)}`} onMouseDown={(event) => event.preventDefault()} onClick={() => step(-1)}><Icon name="minus" size={12} /></button>
          <button tabIndex={-1} aria-label={`More ${title(field.name)}`} onMouseDown={(event) => event.preventDefault()} onClick={() => step(1)}><Icon name="plus" size={12} /></button>
        </span>
      )}
    </span>
  );
}

function Picked({ control, field, value, mixed = false, id, describedBy, disabled, onChange }: ControlProps) {
  const options = control.type === 'choice' ? control.options : [];
  const current = value === undefined ? field.fallback : value;
  const position = mixed ? -1 : options.findIndex((option) => same(option, current ?? null));
  return (
    <select id={id} value={position} disabled={disabled} aria-describedby={describedBy}
      onChange={(event) => {
        const option = options[Number(event.target.value)];
        onChange(same(option, field.fallback ?? null) && !field.required ? undefined : option);
      }}>
      {position < 0 && <option value={-1}>{mixed ? 'several values' : shown(current) || 'choose'}</option>}
      {options.map((option, i) => <option key={named(option)} value={i}>{option === null && options.includes(true) ? 'automatic' : named(option)}</option>)}
    </select>
  );
}

function Switched({ field, value, id, describedBy, disabled, onChange }: ControlProps) {
  const on = (value === undefined ? field.fallback : value) === true;
  return <button id={id} type="button" role="switch" aria-checked={on} aria-describedby={describedBy} disabled={disabled} className="switch" onClick={() => onChange(!on === field.fallback ? undefined : !on)}><i /></button>;
}

export function FieldRow(props: Props) {
  const { field, value, computed, error, marked = false, disabled = false, onChange, onRemove, mixed = false } = props;
  const kinds = useSnapshot((state) => state.session.catalogue.kinds);
  const id = useId();
  const [writing, setWriting] = useState(false);
  const [local, setLocal] = useState<string | undefined>(undefined);
  const control = controlOf(field, kinds);
  const formula = isFormula(value) || writing;
  const differs = changed(value, field) && !mixed;
  const wrong = local ?? error;
  const given = { ...props, control, id, describedBy: `${id}-doc`, error: wrong };
  return (
    <div className={`field${differs ? ' changed' : ''}${wrong === undefined ? '' : ' wrong'}${marked ? ' marked' : ''}${control.type === 'flag' && !formula ? ' inline' : ''}`} data-field={field.name}>
      <div className="label">
        <label htmlFor={id} title={field.doc}>{title(field.name)}{field.required && <span className="needed" title="must be given">*</span>}{field.unit !== '' && <i>{field.unit}</i>}</label>
        {onRemove !== undefined && !disabled && <button className="mini" title="Take away" aria-label={`Take ${title(field.name)} away`} onClick={onRemove}><Icon name="close" size={12} /></button>}
        {differs && !field.required && onRemove === undefined && !disabled && <button className="mini" title={`Back to ${named(field.fallback) || 'nothing'}`} aria-label={`Reset ${title(field.name)}`} onClick={() => { setWriting(false); onChange(undefined); }}><Icon name="reset" size={12} /></button>}
        {!field.literal && !disabled && control.type !== 'number' && control.type !== 'text' && (
          <button className={`mini${formula ? ' on' : ''}`} title="Write an expression, such as =2*width" aria-label={`Expression for ${title(field.name)}`} aria-pressed={formula}
            onClick={() => { if (formula) onChange(undefined); setWriting(!formula); }}><Icon name="formula" size={12} /></button>
        )}
      </div>
      {formula || control.type === 'number' || control.type === 'text' ? <Written {...given} onComplaint={setLocal} /> : control.type === 'choice' ? <Picked {...given} /> : <Switched {...given} />}
      {isFormula(value) && computed !== undefined && <output className="computed">= {computed}</output>}
      {wrong !== undefined && <p className="wrong-words" role="alert">{wrong}</p>}
      <p className="doc" id={`${id}-doc`}>{field.doc}</p>
    </div>
  );
}
