"""Rules: loading, kinds, the evaluation that live, backtest, unit test and simulation share."""
