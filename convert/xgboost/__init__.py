"""XGBoost's model files (.json, .ubj), read as data: nothing of XGBoost is imported."""
