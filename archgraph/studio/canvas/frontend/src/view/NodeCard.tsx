/** One node on the canvas. */
import { Handle, Position, useStoreApi, type Node, type NodeProps } from '@xyflow/react';
import { memo, useEffect, useRef, type RefObject } from 'react';
import type { Port } from '../graph/catalogue';
import type { Item } from '../graph/scope';
import type { Known, Mark } from '../graph/view';
import { amount, full, plural } from '../graph/words';
import { useStudio } from './context';
import type { FamilyStyle } from './family';
import { Icon } from './icons';
import { NameField } from './NameField';
import { NoteField } from './NoteField';

export interface CardHandle {
  readonly id: string;
  readonly port: Port;
  readonly free: boolean;
}

export type CardData = {
  readonly item: Item;
  readonly known: Known | undefined;
  readonly subtitle: string;
  readonly family: string;
  readonly style: FamilyStyle;
  readonly inputs: readonly CardHandle[];
  readonly note: string;
  readonly mark: Mark | undefined;
  readonly renaming: boolean;
  readonly noting: boolean;
  readonly selectedAlone: boolean;
};

export type CardNode = Node<CardData, 'card'>;

const left = (i: number, count: number): string => `${((i + 1) * 100) / (count + 1)}%`;

const tensorOf = (known: Known | undefined, name: string) => known?.outputs.find((tensor) => tensor.name === name);

/** Measure a node anew when its handles change. React Flow's own hook looks it up by a selector made of its id, which a name may break. */
function useMeasured(id: string, signature: string): RefObject<HTMLSpanElement | null> {
  const inside = useRef<HTMLSpanElement>(null);
  const store = useStoreApi();
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      const nodeElement = inside.current?.closest<HTMLDivElement>('.react-flow__node') ?? null;
      if (nodeElement !== null) store.getState().updateNodeInternals(new Map([[id, { id, nodeElement, force: true }]]), { triggerFitView: false });
    });
    return () => cancelAnimationFrame(frame);
  }, [id, store, signature]);
  return inside;
}

function Handles({ id, data }: { id: string; data: CardData }) {
  const { item, inputs, known } = data;
  const inside = useMeasured(id, `${inputs.map((one) => one.id).join()}|${item.outputs.join()}`);
  return (
    <>
      <span ref={inside} hidden />
      {inputs.map(({ id: handle, port, free }, i) => (
        <Handle key={handle} id={handle} type="target" position={Position.Top} style={{ left: left(i, inputs.length) }}
          className={`port${free ? ' free' : ''}${port.optional ? ' optional' : ''}`} title={`${port.name}: ${port.doc}${port.optional ? ' (may be left out)' : ''}`}>
          {item.inputs.length > 1 && <span className="port-name above">{port.name}</span>}
        </Handle>
      ))}
      {item.outputs.map((name, i) => {
        const tensor = tensorOf(known, name);
        return (
          <Handle key={name} id={name} type="source" position={Position.Bottom} style={{ left: left(i, item.outputs.length) }}
            className="port" data-rank={tensor?.rank} title={`${name}${tensor?.shape ? `: ${tensor.shape} ${tensor.dtype}` : ''}`}>
            {item.outputs.length > 1 && <span className="port-name below">{name}</span>}
          </Handle>
        );
      })}
    </>
  );
}

function Costs({ known }: { known: Known }) {
  const params = known.params === undefined || known.params === 0 ? '' : amount(known.params);
  const macs = known.macs === undefined || known.macs === 0 ? '' : amount(known.macs);
  if (params === '' && macs === '') return null;
  return (
    <span className="costs">
      {params !== '' && <span title={`${known.params === undefined ? '' : full(known.params)} parameters`}>{params} <i>params</i></span>}
      {macs !== '' && <span title={`${typeof known.macs === 'number' ? full(known.macs) : macs} multiply-adds for one sample`}>{macs} <i>MACs</i></span>}
    </span>
  );
}

function Badge({ known }: { known: Known }) {
  if (known.problems === 0) return null;
  return (
    <span className={`badge ${known.worst ?? 'error'}`} role="img" aria-label={plural(known.problems, 'problem')} data-testid="badge">
      <Icon name={known.worst === 'warning' ? 'warning' : 'error'} size={12} />{known.problems > 1 && known.problems}
    </span>
  );
}

const repeatText = (known: Known | undefined, item: Item): string => {
  const given = known?.repeat ?? item.record.repeat;
  return typeof given === 'number' ? `×${given}` : typeof given === 'string' ? `×${given.replace(/^=/, '')}` : '';
};

export const NodeCard = memo(function NodeCard({ id, data, selected }: NodeProps<CardNode>) {
  const { item, known, subtitle, family, style, note, mark, renaming, noting } = data;
  const studio = useStudio();
  const times = repeatText(known, item);
  const states = [item.kind, selected ? 'selected' : '', known?.worst ?? '', times ? 'repeated' : '', known?.off ? 'off' : '', known?.change ? `diff-${known.change}` : ''];
  const terminal = item.kind === 'input' || item.kind === 'output';
  return (
    <div className={`card ${states.filter(Boolean).join(' ')}`} style={style} data-node={id} title={known?.changeText || undefined}>
      <Handles id={id} data={data} />
      <span className="tile"><Icon name={family} size={terminal ? 14 : 18} sign={known?.icon} /></span>
      <span className="words">
        {renaming ? <NameField name={item.name} onDone={(name) => studio.rename(id, name)} onCancel={() => studio.show({ renaming: undefined })} />
          : <span className="name">{item.name}</span>}
        {!terminal && <span className="subtitle">{subtitle}</span>}
        {known !== undefined && !terminal && <Costs known={known} />}
      </span>
      {times !== '' && <span className="times" title={`repeated ${times}`}>{times}</span>}
      {known !== undefined && <Badge known={known} />}
      {item.kind === 'block' && (
        <button className="enter" title="Open this block (Enter)" aria-label={`Open ${item.name}`} onClick={() => studio.enter(id)}><Icon name="open" size={12} /></button>
      )}
      {mark !== undefined && <span className={`mark ${mark.tone}`} title={mark.text}><i style={{ width: `${(mark.level ?? 1) * 100}%` }} /><b>{mark.text}</b></span>}
      {noting ? <NoteField item={item} /> : note !== '' && <span className="note" title={note}>{note}</span>}
    </div>
  );
});
