"""AnnData and MuData files, in and out; needs the extra omics."""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from onearm.errors import OnearmError
from onearm.omics.assay import Assay, Scale, Source
from onearm.omics.checks import looks_like
from onearm.store.assays.reading import Log, Options, Raw, needs_extra
from onearm.store.assays.variants import VARIANTS

OURS = "onearm"
"""The key under ``uns`` where a file written here keeps scale, unit, details and sample sheet."""


def read_h5ad(path: Path, log: Log, options: Options) -> Raw:
    """An AnnData file: samples in obs, features in var, X; the columns of var become annotation."""
    anndata = _library("anndata", log)
    return raw_of(_opened(anndata.read_h5ad, path, log), log, "")


def read_h5mu_modality(path: Path, log: Log, options: Options) -> Raw:
    """One modality of a MuData file: ``key`` names it, by default the modality of the manifest."""
    mudata = _library("mudata", log)
    whole = _opened(mudata.read_h5mu, path, log)
    key = options.text("key", log.modality)
    if key not in whole.mod:
        said = f"there is no modality {key!r}; the file has {', '.join(whole.mod)}"
        raise log.stop("file.layout", said)
    return raw_of(whole.mod[key], log, key)


def _library(name: str, log: Log) -> Any:  # a module without type information
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError as problem:
        raise needs_extra(log, "an AnnData or MuData file") from problem


def _opened(read: Any, path: Path, log: Log) -> Any:  # an object of an untyped library
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read(path)
    except Exception as problem:  # the reader raises what it likes on a broken file
        first = (str(problem).strip().splitlines() or [type(problem).__name__])[0]
        raise log.stop("file.unreadable", f"cannot be read: {first}") from problem


def raw_of(adata: Any, log: Log, key: str) -> Raw:  # an AnnData, untyped
    """What an AnnData holds, features by samples; names lose a prefix ``key:`` that all have."""
    if adata.X is None or not adata.n_obs or not adata.n_vars:
        raise log.stop("file.empty", "it holds no values (X)")
    matrix = adata.X.toarray() if hasattr(adata.X, "toarray") else adata.X
    values = np.asarray(matrix, dtype=np.float64).T.copy()
    features = [str(name) for name in adata.var_names]
    if key and all(name.startswith(f"{key}:") for name in features):
        features = [name.removeprefix(f"{key}:") for name in features]
    columns = {
        str(c): [None if v is None or v != v else v for v in adata.var[c].tolist()]
        for c in adata.var.columns
        if str(c) != "feature"
    }
    info = pl.DataFrame({"feature": features, **columns}, strict=False)
    ours = adata.uns.get(OURS)
    said = json.loads(str(ours["said"])) if isinstance(ours, Mapping) and "said" in ours else {}
    below = adata.layers.get("below_lod")
    return Raw(
        tuple(features),
        tuple(str(name) for name in adata.obs_names),
        values,
        scale=said.get("scale"),
        unit=said.get("unit", ""),
        below_lod=None if below is None else np.asarray(below, dtype=np.bool_).T.copy(),
        info=info,
        details=said.get("details", {}),
    )


def write(
    assays: Mapping[str, Assay],
    sheet: pl.DataFrame,
    variants: Mapping[str, pl.DataFrame],
    path: Path,
) -> None:
    """Assays, sheet and variants as one MuData file, beside its place first, then renamed."""
    log = Log("", path.name)
    mudata, anndata, pandas = (_library(n, log) for n in ("mudata", "anndata", "pandas"))
    parts = {name: _adata(assay, anndata, pandas) for name, assay in assays.items()}
    if not parts:
        raise OnearmError(f"{path}: there is no assay to write")
    fresh = path.with_name(f".{path.name}.new")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            whole = mudata.MuData(parts)
            whole.uns[OURS] = {
                "sheet": sheet.write_csv(),
                "variants": json.dumps({name: v.write_csv() for name, v in variants.items()}),
                "columns": _types(sheet),
            }
            path.parent.mkdir(parents=True, exist_ok=True)
            whole.write_h5mu(fresh)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _types(sheet: pl.DataFrame) -> str:
    return json.dumps({name: str(dtype) for name, dtype in sheet.schema.items()})


def _adata(assay: Assay, anndata: Any, pandas: Any) -> Any:  # untyped libraries
    # Names carry the modality, as MuData wants them unique over the whole file.
    names = [f"{assay.modality}:{name}" for name in assay.features]
    info = assay.feature_info
    columns = {c: info.get_column(c).to_list() for c in info.columns[1:]} if info.height else {}
    var = pandas.DataFrame(columns, index=names)
    obs = pandas.DataFrame(index=list(assay.samples))
    adata = anndata.AnnData(X=assay.values.T.copy(), obs=obs, var=var)
    if assay.below_lod is not None:
        adata.layers["below_lod"] = assay.below_lod.T.copy()
    said = {
        "scale": assay.scale,
        "unit": assay.unit,
        "details": dict(assay.details),
        "sources": [[s.file, s.sha256] for s in assay.sources],
    }
    adata.uns[OURS] = {"said": json.dumps(said)}
    return adata


def read(
    path: Path, log: Log, scales: Mapping[str, tuple[Scale, str]]
) -> tuple[dict[str, Assay], pl.DataFrame | None, dict[str, pl.DataFrame]]:
    """Every modality of a MuData file; sheet and variants where it was written here.

    scales: scale and unit of modalities of a file that was written elsewhere.
    """
    mudata = _library("mudata", log)
    whole = _opened(mudata.read_h5mu, path, log)
    assays = {}
    for key, adata in whole.mod.items():
        raw = raw_of(adata, log, key)
        scale, unit = scales.get(key, (raw.scale, raw.unit))
        if scale is None:
            said = f"the scale of {key} is not said; it holds {looks_like(raw.values)}"
            log.say("scale.unstated", said, hint="Give it: scales={'" + key + "': ...}.")
            continue
        ours = adata.uns.get(OURS)
        kept = json.loads(str(ours["said"]))["sources"] if isinstance(ours, Mapping) else []
        assays[key] = Assay(
            key,
            scale,
            raw.features,
            raw.samples,
            raw.values,
            unit=unit,
            below_lod=raw.below_lod,
            feature_info=raw.info if raw.info is not None else pl.DataFrame(),
            details=raw.details,
            sources=tuple(Source(file, sha) for file, sha in kept),
        )
    ours = whole.uns.get(OURS)
    return assays, _sheet(ours), _variants(ours)


def _cast(name: str, dtype: str) -> pl.Expr:
    column = pl.col(name)
    if dtype == "Date":
        return column.str.to_date("%Y-%m-%d")
    if dtype == "Boolean":
        return column == "true"
    return column.cast({"Int64": pl.Int64, "Float64": pl.Float64}.get(dtype, pl.String))


def _frame(text: str, types: Mapping[str, str]) -> pl.DataFrame:
    """A frame from CSV text, its columns in the types of these names."""
    frame = pl.read_csv(io.BytesIO(text.encode()), infer_schema=False)
    return frame.select(_cast(name, dtype) for name, dtype in types.items())


def _sheet(ours: Any) -> pl.DataFrame | None:  # from an untyped library
    if not isinstance(ours, Mapping) or "sheet" not in ours:
        return None
    return _frame(str(ours["sheet"]), json.loads(str(ours["columns"])))


def _variants(ours: Any) -> dict[str, pl.DataFrame]:  # as above
    if not isinstance(ours, Mapping) or "variants" not in ours:
        return {}
    types = {name: str(dtype) for name, dtype in VARIANTS.items()}
    return {name: _frame(text, types) for name, text in json.loads(str(ours["variants"])).items()}
