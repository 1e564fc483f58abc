import { describe, expect, it } from 'vitest';
import { Problem } from './problem';

const answer = (body: string, status: number) => Problem.of(new Response(body, { status, statusText: 'Bad' }));

describe('Problem', () => {
  it('is read from what the API says', async () => {
    const errors = [{ field: 'limit', what: 'is not between 0 and 1', mend: 'give 0.03' }, { field: 7 }];
    const problem = await answer(JSON.stringify({ type: 'urn:outpace:problem:invalid', title: 'A value is wrong', status: 422, detail: 'limit', errors }), 422);
    expect([problem.kind, problem.title, problem.code, problem.detail, problem.faults]).toEqual(['invalid', 'A value is wrong', 422, 'limit', errors.slice(0, 1)]);
  });

  it('is told by its number when something else answered', async () => {
    for (const body of ['<html>502</html>', '', '[]', 'null', '{"type":3}']) {
      const problem = await answer(body, 502);
      expect([problem.kind, problem.code, problem.detail], body).toEqual(['other', 502, '']);
    }
  });

  it('puts faults at their fields and keeps the others', async () => {
    const fault = (field: string) => ({ field, what: `${field} is wrong`, mend: '' });
    const problem = new Problem('invalid', '', 422, '', ['name', 'numbers[2]', 'numbers[3]', 'numbering', 'items.0.action'].map(fault));
    const { errors, rest } = problem.byField(['name', 'numbers']);
    expect(errors).toEqual({ name: 'name is wrong', numbers: 'numbers[2] is wrong' });
    expect(rest.map((one) => one.field)).toEqual(['numbering', 'items.0.action']);
  });
});
