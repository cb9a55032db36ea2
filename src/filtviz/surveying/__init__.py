"""What thousands of models have in common: tables of all their layers and filters, and a page about them."""

from filtviz.surveying.run import SurveyedModel, SurveyFailure, SurveyProgress, SurveyResult, survey

__all__ = ["SurveyFailure", "SurveyProgress", "SurveyResult", "SurveyedModel", "survey"]
