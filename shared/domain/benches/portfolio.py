"""The same composite by polars and DuckDB, in floating point, one thread: started by `portfolio.rs`, which drives it.

The folder given holds `plan.json` (weights, edges of bands, number of accounts), `points.bin` (a column of
little-endian 32-bit whole numbers for each measure; negative is missing) and the exact outcome (`scores.bin`,
`contributions.bin`, `bands.bin`) to compare with. After `ready` each line read is the name of a contestant, and each
line written the CPU seconds that it took once.
"""

import functools
import json
import operator
import sys
import time
from pathlib import Path

import duckdb
import numpy
import polars

MILLION = 1_000_000
# The exact composite rounds twice, each time by at most half a millionth; the sums of floating point add their noise.
COMPOSITE = 1.001e-6
# A contribution rounds at both its ends, of a dimension's that rounds at both its ends, of a rounded score.
CONTRIBUTION = 3e-6


def measures(plan):
    """The columns of each dimension with their weights."""
    first = 0
    for dimension in plan["dimensions"]:
        names = [f"m{first + place}" for place in range(len(dimension["measures"]))]
        first += len(names)
        yield dimension["weight"] / 10_000, list(zip(names, (weight / 10_000 for weight in dimension["measures"])))


def plus(terms):
    """The sum of expressions; faster than the horizontal sum, which looks for what is missing."""
    return functools.reduce(operator.add, terms)


def by_polars(plan):
    """A query over a frame with a column for each measure.

    Of several ways to write it the fastest: what is missing becomes zero once, and the weight that is present is what
    the missing ones leave of the whole.
    """
    column = polars.col
    weighted, sums, shares, means, factors, parts = [], [], [], [], [], []
    for place, (weight, own) in enumerate(measures(plan)):
        absent = plus(polars.when(column(name).is_null()).then(w).otherwise(0.0) for name, w in own)
        weighted += [(column(name) * w).fill_null(0.0).alias(f"weighted_{name}") for name, w in own]
        weighted.append((1.0 - absent).alias(f"present{place}"))
        sums.append(plus(column(f"weighted_{name}") for name, _ in own).alias(f"sum{place}"))
        # A weight of a hundredth of a percent is the least there is.
        known = polars.when(column(f"present{place}") > 0.00005)
        shares.append(known.then(weight).otherwise(0.0))
        means.append(known.then(column(f"sum{place}") / column(f"present{place}") * weight).otherwise(0.0))
        factor = known.then(weight / column(f"present{place}") / column("present")).otherwise(0.0)
        factors.append(factor.alias(f"factor{place}"))
        parts += [(column(f"weighted_{name}") * column(f"factor{place}")).alias(name) for name, _ in own]
    composite = (column("sum") / column("present")).alias("composite")
    band = plus((column("composite") >= edge / MILLION).cast(polars.UInt8) for edge in plan["edges"])

    def query(frame):
        summed = frame.lazy().with_columns(weighted).with_columns(sums)
        scored = summed.with_columns(plus(shares).alias("present"), plus(means).alias("sum"))
        return scored.with_columns(composite, *factors).select(*parts, column("composite"), band.alias("band"))

    return query


def by_duckdb(plan):
    """The same as a statement over a table with a column for each measure."""
    weighted, sums, shares, means, factors, parts, kept = [], [], [], [], [], [], []
    for place, (weight, own) in enumerate(measures(plan)):
        absent = " + ".join(f"(CASE WHEN {name} IS NULL THEN {w}::DOUBLE ELSE 0::DOUBLE END)" for name, w in own)
        weighted += [f"coalesce({name} * {w}::DOUBLE, 0) AS {name}" for name, w in own]
        weighted.append(f"1::DOUBLE - ({absent}) AS present{place}")
        sums.append(" + ".join(name for name, _ in own) + f" AS sum{place}")
        known = f"CASE WHEN present{place} > 0.00005::DOUBLE THEN"
        shares.append(f"({known} {weight}::DOUBLE ELSE 0::DOUBLE END)")
        means.append(f"({known} sum{place} / present{place} * {weight}::DOUBLE ELSE 0::DOUBLE END)")
        factors.append(f"{known} {weight}::DOUBLE / present{place} / present ELSE 0::DOUBLE END AS factor{place}")
        parts += [f"{name} * factor{place} AS {name}" for name, _ in own]
        kept.append(f"present{place}, sum{place}")
    names = ", ".join(name for _, own in measures(plan) for name, _ in own)
    bands = " + ".join(f"(composite >= {edge / MILLION}::DOUBLE)::UTINYINT" for edge in plan["edges"])
    return f"""
        WITH weighted AS (SELECT {', '.join(weighted)} FROM points),
        summed AS (SELECT *, {', '.join(sums)} FROM weighted),
        shared AS (SELECT {names}, {', '.join(kept)}, {' + '.join(shares)} AS present, {' + '.join(means)} AS sum FROM summed),
        scored AS (SELECT {names}, sum / present AS composite, {', '.join(factors)} FROM shared)
        SELECT {', '.join(parts)}, composite, ({bands})::UTINYINT AS band FROM scored
    """


def compare(name, plan, folder, found):
    """Ends the program where a contestant computes something else. `found` gives a column as an array."""
    accounts = plan["accounts"]
    exact = numpy.fromfile(folder / "scores.bin", "<i4") / MILLION
    composite = found("composite")
    off = numpy.abs(composite - exact).max()
    edges = numpy.array(plan["edges"]) / MILLION
    clear = numpy.abs(exact[:, None] - edges[None, :]).min(axis=1) > COMPOSITE
    bands = numpy.fromfile(folder / "bands.bin", "u1")
    others = int(((found("band") != bands) & clear).sum())
    parts = numpy.fromfile(folder / "contributions.bin", "<i4").reshape(-1, accounts)
    furthest = max(numpy.abs(found(f"m{place}") - part / MILLION).max() for place, part in enumerate(parts))
    verdict = (
        f"{name}: composites within {off:.2e} points, contributions within {furthest:.2e}, {others} other bands "
        f"({int((~clear).sum())} accounts on an edge left out)"
    )
    if not (off <= COMPOSITE and furthest <= CONTRIBUTION and others == 0 and len(composite) == accounts):
        sys.exit(f"another outcome than the exact one; {verdict}")
    print(f"equal; {verdict}", flush=True)


def timed(work):
    """CPU seconds of this process, all its threads."""
    began = time.process_time()
    result = work()
    return time.process_time() - began, result


def main():
    folder = Path(sys.argv[1])
    plan = json.loads((folder / "plan.json").read_text())
    points = numpy.fromfile(folder / "points.bin", "<i4").reshape(-1, plan["accounts"])
    columns = {f"m{place}": numpy.where(column < 0, numpy.nan, column / MILLION) for place, column in enumerate(points)}
    del points
    frame = polars.DataFrame(columns).fill_nan(None).rechunk()
    del columns
    frame.write_parquet(folder / "points.parquet")
    database = duckdb.connect()
    database.execute("SET threads = 1")
    database.execute(f"CREATE TABLE points AS SELECT * FROM read_parquet('{folder / 'points.parquet'}')")
    query, statement = by_polars(plan), by_duckdb(plan)

    # Each contestant may work in the ways it offers; the faster one is what is compared.
    def polars_by(engine):
        return lambda: query(frame).collect(engine=engine)

    def duckdb_table():
        database.execute(f"CREATE OR REPLACE TEMP TABLE outcome AS {statement}")
        return database

    def duckdb_arrays():
        return database.execute(statement).fetchnumpy()

    ways = {
        "polars": {"in memory": polars_by("in-memory"), "streaming": polars_by("streaming")},
        "duckdb": {"into a table": duckdb_table, "into arrays": duckdb_arrays},
    }
    for way in ways["polars"].values():
        outcome = way()
        compare("polars", plan, folder, lambda name: outcome[name].to_numpy())
    outcome = duckdb_arrays()
    compare("DuckDB", plan, folder, lambda name: numpy.asarray(outcome[name]))
    outcome = duckdb_table().execute("SELECT * FROM outcome").fetchnumpy()
    compare("DuckDB", plan, folder, lambda name: numpy.asarray(outcome[name]))
    del outcome
    fastest = {}
    for name, own in ways.items():
        least = {way: min(timed(work)[0] for _ in range(3)) for way, work in own.items()}
        way = min(least, key=least.get)
        fastest[name] = own[way]
        told = ", ".join(f"{way} {seconds:.3f} s" for way, seconds in least.items())
        version = {"polars": polars, "duckdb": duckdb}[name].__version__
        print(f"{name} {version}: {told}", flush=True)
    print("ready", flush=True)
    for line in sys.stdin:
        print(f"{timed(fastest[line.strip()])[0]:.9f}", flush=True)


if __name__ == "__main__":
    main()
