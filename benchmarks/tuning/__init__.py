"""Tuning: the same budget for every model on the validation split, with Optuna.

A study is one model on one data set. Workers go through all studies together and share their trials through a journal
file or a database; whatever is killed, every study ends with its budget spent exactly.
"""
