"""
scikit-learn's MLP, replaced in a grid search
=============================================

One import is changed. Everything in scikit-learn that takes an estimator still works: pipelines,
cross-validation, searches.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from glassnet import MLPClassifier  # was: from sklearn.neural_network import MLPClassifier

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
pipeline = make_pipeline(StandardScaler(), MLPClassifier(early_stopping=True, random_state=0))
grid = {"mlpclassifier__hidden_layer_sizes": [(16,), (64,)], "mlpclassifier__alpha": [1e-2, 1.0]}
search = GridSearchCV(pipeline, grid, cv=3).fit(X_train, y_train)
print(search.best_params_)
print(f"accuracy on digits that were not used: {search.score(X_test, y_test):.3f}")

# %%
results = search.cv_results_
labels = [
    f"{settings['mlpclassifier__hidden_layer_sizes'][0]} neurons, α {settings['mlpclassifier__alpha']:g}"
    for settings in results["params"]
]
figure, axes = plt.subplots(layout="constrained")
axes.errorbar(results["mean_test_score"], labels, xerr=results["std_test_score"], fmt="o")
_ = axes.set(xlabel="accuracy in cross-validation", title="Four settings, three folds each")
