"""scikit-learn's models (pickle, joblib), read as data: nothing of scikit-learn, joblib or the file is run."""
