from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.cluster import HDBSCAN
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from seaway.core.batch import Outcomes
from seaway.core.metrics.groups import silhouette
from seaway.core.protocols import Model
from seaway.engines import clusters as engine
from seaway.engines.clusters import Cores, Gaussians
from seaway.tasks.segment.centres import RandomCentres
from seaway.tasks.segment.density import CORES, Density, labels
from seaway.tasks.segment.fitted import Points
from seaway.tasks.segment.kmeans import KMeans
from seaway.tasks.segment.mixture import Mixture
from seaway.tasks.segment.models import models
from tests.unit.tasks.segment.groups import CONTRACT, answers, fitted, kinds, of, sample

LEARNERS: tuple[Model, ...] = (KMeans(), Mixture(), Density())


def test_the_baseline_comes_first() -> None:
    assert [model.name for model in models(CONTRACT)] == ["random-centres", "kmeans", "mixture", "density"]
    assert not RandomCentres().space(sample())


@pytest.mark.parametrize("model", LEARNERS, ids=lambda model: model.name)
def test_known_kinds_are_found_and_numbered_by_size(model: Model) -> None:
    made = fitted(model, sample(), {"segments": 3})
    x, kind = kinds(500, seed=9)
    found = answers(made, x)
    assert adjusted_rand_score(kind, found["segment"]) > 0.93
    assert np.bincount(found["segment"]).argsort()[::-1].tolist() == [0, 1, 2]
    assert made.portrait.counts.tolist() == sorted(made.portrait.counts.tolist(), reverse=True)
    assert made.portrait.counts.sum() == 600


@pytest.mark.parametrize("model", [RandomCentres(), *LEARNERS], ids=lambda model: model.name)
def test_the_outlier_ratio_is_one_at_the_95th_percentile(model: Model) -> None:
    train = sample()
    made = fitted(model, train)
    found = answers(made, train.batch.x)
    for segment in range(made.portrait.segments):
        ratios = found["outlier"][found["segment"] == segment]
        assert np.quantile(ratios, 0.95) == pytest.approx(1.0)
    far = train.batch.x[:1].copy()
    far[:, 0] = 900.0
    assert answers(made, far)["outlier"][0] > 5


@pytest.mark.parametrize("model", [RandomCentres(), *LEARNERS], ids=lambda model: model.name)
def test_seeds_and_only_seeds_change_the_answer(model: Model) -> None:
    first, second = (fitted(model, sample(), seed=5) for _ in range(2))
    assert first.export() == second.export()
    threads = fitted(model, sample(), {"threads": 2}, seed=5)
    assert threads.export() == first.export()


@pytest.mark.parametrize("model", [RandomCentres(), *LEARNERS], ids=lambda model: model.name)
def test_fewer_different_rows_than_segments_are_one_segment(model: Model) -> None:
    x = np.tile(kinds(2)[0], (60, 1))
    found = answers(fitted(model, of(x), {"segments": 5} if model.space(of(x)) else None), x)
    assert set(found["segment"].tolist()) == {0}
    assert np.allclose(found["distances"], found["distances"][:, :1])
    assert silhouette(Outcomes.of_rows(found, None, np.ones(len(x)))) == 0.0


def test_mixtures_score_as_the_library_does() -> None:
    made = fitted(Mixture(), sample(), {"segments": 3, "shape": "full"})
    rule, x = made.clusters.rule, kinds(200, 4)[0]
    assert isinstance(rule, Gaussians)
    z = engine.points(made.clusters.space, x)
    theirs = GaussianMixture(3)
    theirs.means_, theirs.precisions_cholesky_ = rule.mean, rule.root
    logs = rule.constant - np.log(np.diagonal(rule.root, axis1=1, axis2=2)).sum(axis=1)
    theirs.weights_ = np.exp(logs + z.shape[1] / 2 * np.log(2 * np.pi))
    theirs.covariances_ = np.linalg.inv(rule.root @ rule.root.transpose(0, 2, 1))
    assert theirs.weights_.sum() == pytest.approx(1)
    ours = engine.scores(made.clusters, z)
    assert np.allclose(ours.argmax(axis=1), theirs.predict(z))
    assert np.allclose(np.logaddexp.reduce(ours, axis=1), theirs.score_samples(z))


def test_density_repeats_hdbscan_on_its_own_rows() -> None:
    train = sample()
    made = fitted(Density(), train, {"segments": 3})
    points = Points.of(train, CONTRACT)
    theirs = labels(points.z, 3, 10)
    assert theirs is not None
    inside = theirs >= 0
    assert adjusted_rand_score(theirs[inside], answers(made, train.batch.x)["segment"][inside]) > 0.95
    assert made.learnt["found"] == 1.0
    assert made.learnt["disagreement"] <= 0.05


def test_density_keeps_the_largest_of_too_many_and_says_where_too_few_come_out() -> None:
    rng = np.random.default_rng(0)
    z = np.concatenate([rng.normal([10 * k, 0], 0.3, (size, 2)) for k, size in enumerate((300, 200, 90, 40))])
    whole = HDBSCAN(min_cluster_size=20, copy=True).fit_predict(z)
    assert len(set(whole[whole >= 0].tolist())) == 4
    found = labels(z, 2, 10)
    assert found is not None
    assert np.bincount(found[found >= 0]).tolist() >= [295, 195]
    assert labels(rng.normal(size=(400, 2)), 6, 30) is None


def test_density_stores_a_bounded_number_of_cores() -> None:
    rule = fitted(Density(), sample(4000), {"segments": 3}).clusters.rule
    assert isinstance(rule, Cores)
    assert len(rule.points) <= CORES


def test_form_is_what_density_is_for() -> None:
    """Two rings around one another: centers cannot tell them apart, cores can."""
    rng = np.random.default_rng(2)
    angle, ring = rng.uniform(0, 2 * np.pi, 800), np.arange(800) % 2
    x, _ = kinds(800)
    x[:, 0], x[:, 1] = (
        np.array([1.0, 6.0])[ring] * turn(angle) + rng.normal(0, 0.15, 800) for turn in (np.cos, np.sin)
    )
    x[:, 2:4] = [2, 0]
    scored = {
        model.name: adjusted_rand_score(ring, answers(fitted(model, of(x), {"segments": 2}), x)["segment"])
        for model in (KMeans(), Density())
    }
    assert scored["density"] > 0.95
    assert scored["kmeans"] < 0.5


def test_no_time_still_makes_a_model() -> None:
    made = KMeans().fit(sample(), None, contract=CONTRACT, params={"segments": 3}, seed=1, until=-math.inf)
    assert made.portrait.counts.sum() == 600


def test_importance_is_where_segments_differ() -> None:
    share = fitted(KMeans(), sample(), {"segments": 3}).importance()
    assert share.sum() == pytest.approx(1)
    assert share[4] == share[5] == 0
    assert share[1] > share[3]
